/**
 * The globals of every host (browser, worker, Node) that the core may use besides ECMAScript.
 * Only tsconfig.core.json reads this file; elsewhere @types/node declares the same names.
 */

interface TimeoutHandle {
  readonly timeoutHandle: unique symbol;
}

declare function setTimeout(callback: () => void, milliseconds?: number): TimeoutHandle;
declare function clearTimeout(handle: TimeoutHandle | undefined): void;
declare function queueMicrotask(callback: () => void): void;

declare const performance: { now(): number };

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
}
