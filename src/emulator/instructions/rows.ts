import { Code } from '../../decoder/index.ts';
import type { Binder, Handler } from '../operation.ts';

/** Name of an instruction form, as iced-x86 spells it: `Add_rm8_r8`. */
export type CodeName = Extract<keyof typeof Code, string>;

/** A chapter of the instruction set: what executes each form. */
export type Rows = Partial<Record<CodeName, Binder>>;

/** Operand size in bytes. */
export type Size = 1 | 2 | 4 | 8;

const SIZE_OF_REGISTER: Readonly<Record<string, Size>> = { AL: 1, AX: 2, EAX: 4, RAX: 8 };

/** Operand size of a form by its first operand: 4 for `rm32_imm8`, 8 for `RAX_imm32`. */
function sizeOf(form: string): Size {
  const first = form.split('_')[0];
  const named = SIZE_OF_REGISTER[first];
  if (named !== undefined) {
    return named;
  }
  const bits = Number(/\d+$/.exec(first)?.[0]);
  if (bits !== 8 && bits !== 16 && bits !== 32 && bits !== 64) {
    throw new Error(`no operand size in the form ${form}`);
  }
  return (bits / 8) as Size;
}

/**
 * Rows for all forms of a mnemonic. `forms` are separated by spaces; those that iced does not have
 * are refused.
 */
export function family(mnemonic: string, forms: string, binder: (size: Size) => Binder): Rows {
  const rows: Rows = {};
  const binders = new Map<Size, Binder>();
  for (const form of forms.split(' ')) {
    const size = sizeOf(form);
    const bind = binders.get(size) ?? binder(size);
    binders.set(size, bind);
    rows[codeName(`${mnemonic}_${form}`)] = bind;
  }
  return rows;
}

/** One row for each name, separated by spaces, with the same handler. */
export function each(names: string, handler: Handler): Rows {
  return Object.fromEntries(names.split(' ').map((name) => [codeName(name), always(handler)]));
}

/** A binder that does not look at the operands. */
function always(handler: Handler): Binder {
  return () => handler;
}

function codeName(name: string): CodeName {
  if (!(name in Code)) {
    throw new Error(`iced-x86 has no code ${name}`);
  }
  return name as CodeName;
}

const RELATIVE_FORMS = ['rel8_16', 'rel16', 'rel8_32', 'rel32_32', 'rel8_64', 'rel32_64'];

/** Code names of all forms of a relative branch. */
export function relativeForms(mnemonic: string): CodeName[] {
  return RELATIVE_FORMS.map((form) => codeName(`${mnemonic}_${form}`));
}
