// A host with its own memory that takes nothing of bit63 but the LASS check.
// Build the package first, then: node examples/embed-lass/embed.mjs
import { checkLinear, explain, LassAccess, lassFaultVector, lassPolicy } from 'bit63/lass';

const USER_BUFFER = 0x0000_7f00_0000_1000n;
const KERNEL_SECRET = 0xffff_8880_0000_1000n;

class ToyHost {
  pages = new Map();
  state = { lass: true, smap: true, lma: true, cs64: true, cpl: 0, ac: false };
  policy = lassPolicy(this.state);

  // Whatever changes CR4, EFER, CS, CPL or RFLAGS.AC recomputes the policy word.
  enter(change) {
    this.state = { ...this.state, ...change };
    this.policy = lassPolicy(this.state);
  }

  byteAt(address) {
    const lo = Number(BigInt.asIntN(32, address));
    const hi = Number(BigInt.asIntN(32, address >> 32n));
    if (checkLinear(this.policy, LassAccess.Data, lo, hi, 1, 48) !== 0) {
      const { rule, explanation } = explain(this.state, { access: LassAccess.Data, address });
      const vector = lassFaultVector(LassAccess.Data, false);
      throw new Error(`vector ${vector}, error code 0, by ${rule}\n    ${explanation}`);
    }
    const page = address >> 12n;
    if (!this.pages.has(page)) this.pages.set(page, new Uint8Array(4096));
    return { bytes: this.pages.get(page), offset: Number(address & 0xfffn) };
  }

  load(address) {
    const { bytes, offset } = this.byteAt(address);
    return bytes[offset];
  }

  store(address, value) {
    const { bytes, offset } = this.byteAt(address);
    bytes[offset] = value;
  }
}

const host = new ToyHost();
const attempt = (what, action) => {
  try {
    console.log(`${what}: ${action() ?? 'done'}`);
  } catch (fault) {
    console.log(`${what}: ${fault.message}`);
  }
};

attempt('kernel stores its secret', () => host.store(KERNEL_SECRET, 42));
host.enter({ cpl: 3 });
attempt('user stores in its own buffer', () => host.store(USER_BUFFER, 7));
attempt('user reads the secret', () => host.load(KERNEL_SECRET));
host.enter({ cpl: 0 });
attempt('kernel reads the user buffer', () => host.load(USER_BUFFER));
host.enter({ ac: true });
attempt('kernel reads it after STAC', () => host.load(USER_BUFFER));
