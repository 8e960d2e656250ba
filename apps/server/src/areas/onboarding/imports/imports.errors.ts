import { failure } from '../../../kernel/errors.ts'

export const importErrors = {
  notFound: failure(404, 'ER-00004', 'Migration not found'),
  badHash: failure(400, 'computed', (fault: string) => `passwordHash cannot be used: ${fault}`),
  badHashConfig: failure(400, 'computed', 'passwordHashConfig must be a JSON object, as text'),
  badSecret: failure(400, 'computed', (fault: string) => `authenticatorAppMfaSecret ${fault}`),
  badPhoneNumber: failure(400, 'computed', 'phoneNumber must be a number with its country code, such as +16037184056'),
  twoPrimaries: failure(400, 'computed', 'Only one of the emails can be the primary one'),
  unstorable: failure(400, 'computed', 'The row holds characters that cannot be stored'),
  noFile: failure(400, 'computed', 'The form must have one file named csv'),
  noRows: failure(400, 'computed', 'The file has no rows'),
  tooManyRows: failure(400, 'computed', (most: number) => `The file must have at most ${most} rows`),
  tooManyColumns: failure(400, 'computed', (most: number) => `The file must have at most ${most} columns`),
  badColumns: failure(400, 'computed', (what: string) => `The columns of the file cannot be used: ${what}`),
  badCsv: failure(400, 'computed', (line: number, what: string) => `The file is no CSV at line ${line}: ${what}`),
  badMapper: failure(400, 'computed', (what: string) => `fieldsMapper ${what}`),
  badHashing: failure(400, 'computed', (what: string) => `hashingConfig ${what}`),
  wrongLength: failure(
    400,
    'computed',
    (values: number, columns: number) => `The row has ${values} values, and the file ${columns} columns`,
  ),
}
