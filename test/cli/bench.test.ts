import { expect, test } from 'vitest';
import { benchLines } from '../../src/cli/bench/command.ts';
import { json } from './harness.ts';

test('bit63 bench measures the check by kind of access, and what it allocates', async () => {
  const { addresses, byAccess, allocation } = await json('bench --json');
  expect(addresses).toBe(65_536);
  expect(byAccess.map(({ access }: { access: string }) => access)).toEqual([
    ...['Fetch', 'Data', 'Implicit', 'UserForced', 'Exempt', 'Prefetch'],
  ]);
  for (const { nanoseconds, medianNanoseconds, checksPerSecond } of byAccess) {
    expect(nanoseconds).toBeGreaterThan(0);
    expect(medianNanoseconds).toBeGreaterThanOrEqual(nanoseconds);
    expect(checksPerSecond).toBeCloseTo(1e9 / nanoseconds);
  }
  expect(allocation.checks).toBeGreaterThanOrEqual(10_000_000);
});

test('bit63 bench prints a table', () => {
  const row = { access: 'Data', nanoseconds: 2.5, medianNanoseconds: 2.75 };
  const lines = benchLines({
    host: { node: 'v20.0.0', architecture: 'x64' },
    addresses: 65_536,
    byAccess: [{ ...row, checksPerSecond: 4e8, violations: 32_641 }],
    allocation: { checks: 10_027_008, bytes: 0, collections: 0 },
  });
  expect(lines).toEqual([
    'LASS check, 65,536 addresses of both halves in random order, Node v20.0.0',
    '',
    '  access  ns a check  median  million checks/s  violations',
    '  Data          2.50    2.75               400      32,641',
    '',
    '  0 bytes allocated in 10,027,008 checks',
    '',
  ]);
});
