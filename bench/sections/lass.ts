import { benchLassCheck, formatLassCheck } from '../lass/check.ts';
import { defineSection } from '../support/section.ts';

/** The LASS check alone: time, against C, allocation. */
export const lassSection = defineSection(
  'lass',
  'The LASS check',
  (progress) => {
    progress('by access, by design, against C');
    return benchLassCheck();
  },
  formatLassCheck,
);
