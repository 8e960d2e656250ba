import { failure } from '../../../kernel/errors.ts'

export const captchaErrors = {
  notFound: failure(404, 'ER-00004', 'Captcha policy not found'),
  taken: failure(409, 'computed', 'Captcha policy already exists'),
  keysRefused: failure(400, 'computed', 'Site key must be valid'),
  missing: failure(400, 'computed', 'Captcha is required'),
  wrong: failure(400, 'computed', 'Captcha is invalid'),
  unavailable: failure(400, 'computed', 'Captcha could not be verified'),
}
