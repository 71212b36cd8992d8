import { type Compared, compare, formatCompared } from '../rejected/compare.ts';
import { dispatch } from '../rejected/dispatch.ts';
import { flags } from '../rejected/flags.ts';
import { lassPlace } from '../rejected/lass-place.ts';
import { lookups } from '../rejected/lookups.ts';
import { operations } from '../rejected/operations.ts';
import { registers } from '../rejected/registers.ts';
import { defineSection, type Progress } from '../support/section.ts';

const COMPARISONS = [dispatch, operations, registers, flags, ...lookups, lassPlace];

/**
 * Makes V8 check every typed array for having been detached, as it does in every process that has
 * created a Machine: iced-x86's memory grows, which detaches its buffer. Without that check the
 * chosen dispatch is about 15 % faster.
 */
function detachABuffer(): void {
  const buffer = new ArrayBuffer(8);
  structuredClone(buffer, { transfer: [buffer] });
}

function measure(progress: Progress): Compared[] {
  detachABuffer();
  return COMPARISONS.map((comparison) => {
    progress(comparison.title);
    return compare(comparison);
  });
}

/** The ways not taken, each on a program of its own that does not use src/. */
export const rejectedSection = defineSection('rejected', 'Rejected alternatives', measure, (all) =>
  all.map(formatCompared).join('\n\n'),
);
