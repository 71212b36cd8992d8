/** Tells what is being measured right now. */
export type Progress = (what: string) => void;

/** One part of the benchmark suite. */
export interface Section {
  /** As on the command line. */
  readonly name: string;
  readonly title: string;
  run(progress: Progress): Promise<SectionResult>;
}

/** What a section found. */
export interface SectionResult {
  /** For `--json`. */
  readonly data: unknown;
  /** For people. */
  readonly text: string;
}

/** A section from what measures and what prints. */
export function defineSection<T>(
  name: string,
  title: string,
  measure: (progress: Progress) => T | Promise<T>,
  format: (data: T) => string,
): Section {
  return {
    name,
    title,
    run: async (progress) => {
      const data = await measure(progress);
      return { data, text: format(data) };
    },
  };
}
