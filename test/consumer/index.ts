// Compiled by `npm run package` against dist/; never run.
export * from 'bit63';
export * as lass from 'bit63/lass';
