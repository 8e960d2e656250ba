import { failure } from '../../../kernel/errors.ts'

export const portalErrors = {
  noName: failure(400, 'computed', 'entityName must be one of adminBox, saml, audits, notifications'),
}
