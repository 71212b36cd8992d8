import type { Handler } from '../operation.ts';
import { each, type Rows } from './rows.ts';

const nothing: Handler = () => {};

/** Checked as a load of one byte is. */
const flushLine: Handler = ({ memory }, i) => memory.probe(i);

const FENCES =
  'Lfence Lfence_E9 Lfence_EA Lfence_EB Lfence_EC Lfence_ED Lfence_EE Lfence_EF ' +
  'Mfence Mfence_F1 Mfence_F2 Mfence_F3 Mfence_F4 Mfence_F5 Mfence_F6 Mfence_F7 ' +
  'Sfence Sfence_F9 Sfence_FA Sfence_FB Sfence_FC Sfence_FD Sfence_FE Sfence_FF Serialize';

/** Hints neither access memory nor fault, whatever their address. */
const HINTS =
  'Prefetchnta_m8 Prefetcht0_m8 Prefetcht1_m8 Prefetcht2_m8 Prefetch_m8 Prefetchw_m8 ' +
  'Prefetchwt1_m8 Prefetchreserved3_m8 Prefetchreserved4_m8 Prefetchreserved5_m8 ' +
  'Prefetchreserved6_m8 Prefetchreserved7_m8 Prefetchit0_m8 Prefetchit1_m8 Cldemote_m8';

/** SDM vol. 1, "Cacheability Control, Prefetch, and Memory Ordering Instructions". */
export const cacheControl: Rows = {
  ...each(FENCES, nothing),
  ...each(HINTS, nothing),
  ...each('Clflush_m8 Clflushopt_m8 Clwb_m8', flushLine),
};
