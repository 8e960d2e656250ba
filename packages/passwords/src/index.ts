export { MAX_PASSWORD_LENGTH, OWASP, passwordHasher, type HashParameters, type PasswordHasher } from './hasher.ts'
