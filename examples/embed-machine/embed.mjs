// Embeds the whole machine: a user program that asks its host to print, then pokes the kernel.
import { Machine } from 'bit63';

const CODE = 0x40_0000n;
const program = Uint8Array.from([
  ...[0xbf, 0x01, 0, 0, 0], //             mov edi,1            ; standard output
  ...[0x48, 0x8d, 0x35, 0x19, 0, 0, 0], // lea rsi,[rip+message]
  ...[0xba, 0x06, 0, 0, 0], //             mov edx,6
  ...[0xb8, 0x01, 0, 0, 0], //             mov eax,1            ; write
  ...[0x0f, 0x05], //                      syscall
  ...[0x48, 0xc7, 0xc0, 0, 0, 0, 0x80], // mov rax,-0x80000000  ; the kernel's half
  ...[0x48, 0x8b, 0x00], //                mov rax,[rax]
  ...[0x90, 0x90, 0x90], //                nop nop nop
  ...new TextEncoder().encode('hello\n'), // message:
]);

const machine = new Machine({ mode: 64, cpl: 3, cr4: ['lass', 'smap'] });
machine.map(CODE, program.length, 'rxu');
machine.write(CODE, program);
machine.registers.rip = CODE;

// Watching costs nothing until somebody watches.
let reads = 0;
const unhook = machine.hook({
  read() {
    reads++;
  },
});

for (;;) {
  const exit = machine.run({ maxInstructions: 1_000 });
  if (exit.reason === 'syscall' && machine.registers.rax === 1n) {
    const { rsi, rdx } = machine.registers;
    process.stdout.write(machine.read(rsi, Number(rdx)));
    machine.registers.rax = rdx;
    continue;
  }
  if (exit.reason === 'exception') {
    console.log(`${exit.name} at 0x${exit.rip.toString(16)}: ${exit.explanation}`);
  }
  break;
}
unhook();
console.log(`${machine.instructionsRetired} instructions, ${reads} data reads completed`);
