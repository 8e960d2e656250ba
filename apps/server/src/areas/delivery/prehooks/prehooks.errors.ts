import { failure } from '../../../kernel/errors.ts'

export const prehookErrors = {
  notFound: failure(404, 'ER-00004', 'Prehook not found'),
  eventTaken: failure(409, 'computed', 'Another prehook is asked about this event'),
  /** of a prehook that gave no answer, and lets nothing pass then */
  noAnswer: failure(403, 'computed', 'This could not be checked, so it was refused'),
}
