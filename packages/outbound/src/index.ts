export { baseAddress, jsonObject, post, TIMEOUT, type Answer, type Request } from './http.ts'
export { open, type Opened } from './open.ts'
export { isPassing, oneLine, refusal, Refused, type Confidential } from './refusal.ts'
