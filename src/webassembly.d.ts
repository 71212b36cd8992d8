/**
 * The part of the WebAssembly JavaScript interface that the emulator uses. TypeScript declares it
 * only in its DOM and worker libraries. The package does not ship this file, so no exported
 * declaration may name one of these types.
 */
declare namespace WebAssembly {
  interface MemoryDescriptor {
    /** Pages of 64 KiB. */
    initial: number;
    maximum?: number;
    shared?: boolean;
  }

  class Memory {
    constructor(descriptor: MemoryDescriptor);
    readonly buffer: ArrayBuffer;
    /** Grows by `delta` pages, detaches the old buffer, and returns the former size in pages. */
    grow(delta: number): number;
  }
}
