/**
 * An argument that the edge functions of `bit63/lass` refuse. The hot functions
 * ({@link lassPolicyWord}, {@link checkLinear}, {@link isLassViolation}...) check nothing and
 * throw nothing.
 */
export class LassArgumentError extends RangeError {
  /** Name of the refused argument. */
  readonly argument: string;
  /** The refused value, as it was given. */
  readonly value: unknown;

  /** @param expected What would have been accepted, for the message. */
  constructor(argument: string, value: unknown, expected: string) {
    super(`${argument} must be ${expected}, not ${printable(value)}`);
    this.name = 'LassArgumentError';
    this.argument = argument;
    this.value = value;
  }
}

function printable(value: unknown): string {
  if (typeof value === 'bigint') {
    return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
  }
  return typeof value === 'string' ? `'${value}'` : String(value);
}
