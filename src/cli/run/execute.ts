import { setImmediate } from 'node:timers/promises';
import type { Exit, Machine } from '../../index.ts';
import type { Guest } from './guest.ts';

/** How the command sees an end: `until` is told apart by where it happened. */
export type RunExit =
  | Exclude<Exit, { reason: 'stop' }>
  | { readonly reason: 'end' | 'return'; readonly rip: bigint };

/** When to end, besides what the guest does, and whom to tell. */
export interface Control {
  readonly maxInstructions: number;
  /** Milliseconds. */
  readonly timeout: number | undefined;
  readonly signal: AbortSignal;
  /** Called every some ten milliseconds; the run waits for what it returns. */
  onTurn(instructions: number, milliseconds: number): Promise<void> | undefined;
}

/** A finished run. */
export interface RunResult {
  readonly exit: RunExit;
  readonly instructions: number;
  readonly milliseconds: number;
}

/** Milliseconds between two turns of the event loop, so that Ctrl-C gets a chance. */
const TURN = 40;
const FIRST_TURN = 100_000;

/** Runs a guest to its end. */
export async function execute(guest: Guest, control: Control): Promise<RunResult> {
  const { machine } = guest;
  const stops = [...guest.untilRips, guest.endRip, guest.returnRip].filter(
    (rip) => rip !== undefined,
  );
  const before = machine.instructionsRetired;
  const start = performance.now();
  const exit = await runInTurns(machine, stops, control, start);
  return {
    exit: named(exit, guest),
    instructions: machine.instructionsRetired - before,
    milliseconds: performance.now() - start,
  };
}

async function runInTurns(
  machine: Machine,
  until: readonly bigint[],
  control: Control,
  start: number,
): Promise<Exit> {
  const { signal, timeout = Number.POSITIVE_INFINITY } = control;
  let left = control.maxInstructions;
  let turn = FIRST_TURN;
  for (;;) {
    const count = Math.min(left, turn);
    const began = performance.now();
    const timeLeft = Math.max(0, start + timeout - began);
    const exit = machine.run({ until, maxInstructions: count, timeout: timeLeft });
    left -= count;
    if (exit.reason !== 'limit' || exit.limit === 'time' || left === 0) {
      return exit;
    }
    const now = performance.now();
    turn = Math.max(1_000, Math.round(count * Math.min(TURN / (now - began), 4)));
    await control.onTurn(machine.instructionsRetired, now - start);
    await setImmediate();
    if (signal.aborted) {
      return { reason: 'aborted', rip: machine.registers.rip };
    }
  }
}

function named(exit: Exit, { untilRips, returnRip }: Guest): RunExit {
  if (exit.reason === 'stop') {
    throw new Error('nobody asked the machine to stop');
  }
  if (exit.reason !== 'until') {
    return exit;
  }
  const { rip } = exit;
  if (rip === returnRip) {
    return { reason: 'return', rip };
  }
  return untilRips.includes(rip) ? exit : { reason: 'end', rip };
}
