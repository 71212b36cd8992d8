import { OPERATION_64, type Operation64 } from './alu.ts';
import type { Comparison } from './compare.ts';
import { HANDLERS, type Handler, runLinked } from './handlers.ts';
import { CARRIES, HIGH, INSTRUCTIONS, OPERATIONS, type OperationName, RESULT } from './program.ts';

/** A handler for the form that calls its operation through a function value. */
function formHandler(operation: Operation64): Handler {
  return ({ state: s }, { destination: d, source }) => {
    s[d] = operation(s, s[d], s[d + 1], s[source], s[source + 1]);
    s[d + 1] = s[HIGH];
  };
}

/** All operations in one function. */
function anyOperation(
  s: Int32Array,
  operation: number,
  aLo: number,
  aHi: number,
  bLo: number,
  bHi: number,
): number {
  let lo = bLo;
  let hi = bHi;
  let carries = 0;
  switch (operation) {
    case 0:
    case 5: {
      const carry = operation === 5 ? s[CARRIES] >>> 31 : 0;
      lo = (aLo + bLo + carry) | 0;
      hi = (aHi + bHi + (((aLo & bLo) | ((aLo | bLo) & ~lo)) >>> 31)) | 0;
      carries = (aHi & bHi) | ((aHi | bHi) & ~hi);
      break;
    }
    case 1:
    case 6: {
      const borrow = operation === 6 ? s[CARRIES] >>> 31 : 0;
      lo = (aLo - bLo - borrow) | 0;
      hi = (aHi - bHi - (((~aLo & bLo) | ((~aLo | bLo) & lo)) >>> 31)) | 0;
      carries = (~aHi & bHi) | ((~aHi | bHi) & hi);
      break;
    }
    case 2:
      lo = aLo ^ bLo;
      hi = aHi ^ bHi;
      break;
    case 3:
      lo = aLo & bLo;
      hi = aHi & bHi;
      break;
    case 4:
      lo = aLo | bLo;
      hi = aHi | bHi;
      break;
    default:
      s[HIGH] = hi;
      return lo;
  }
  s[RESULT] = lo;
  s[RESULT + 1] = hi;
  s[CARRIES] = carries;
  s[HIGH] = hi;
  return lo;
}

/** A handler for the form that passes the number of its operation. */
function numberedHandler(operation: OperationName): Handler {
  const number = OPERATIONS.indexOf(operation);
  return ({ state: s }, { destination: d, source }) => {
    s[d] = anyOperation(s, number, s[d], s[d + 1], s[source], s[source + 1]);
    s[d + 1] = s[HIGH];
  };
}

/** How operations and operand forms come together. */
export const operations: Comparison = {
  title: 'operation and form',
  unit: 'instruction',
  units: INSTRUCTIONS,
  variants: [
    { name: 'a handler for each pair', run: runLinked((operation) => HANDLERS[operation]) },
    {
      name: 'a form calls a function value',
      run: runLinked((operation) => formHandler(OPERATION_64[operation])),
    },
    { name: 'a form calls a switch', run: runLinked(numberedHandler) },
  ],
};
