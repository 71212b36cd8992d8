import type { FileResult, SliceProgress } from './slice.ts';

/** What a worker thread tells. `done` and `bad-file` are its last word. */
export type WorkerMessage =
  | { readonly kind: 'progress'; readonly progress: SliceProgress }
  | { readonly kind: 'done'; readonly results: FileResult[] }
  | {
      readonly kind: 'bad-file';
      readonly file: string;
      readonly line: number | undefined;
      readonly problem: string;
    };
