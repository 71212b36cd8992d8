import { CpuidFeature, Instruction as IcedInstruction } from 'iced-x86';

let probe: IcedInstruction | undefined;

/** Names of the CPUID features that a code needs, as iced-x86 spells them: `BMI1`, `CMPXCHG16B`. */
export function featuresOfCode(code: number): string[] {
  probe ??= new IcedInstruction();
  probe.code = code;
  return Array.from(probe.cpuidFeatures(), (feature) => CpuidFeature[feature]);
}
