export {
  MAX_PASSWORD_LENGTH,
  OWASP,
  passwordHasher,
  TooManyHashes,
  type HashingLimits,
  type HashParameters,
  type PasswordHasher,
} from './hasher.ts'
