export { baseAddress, jsonObject, post, TIMEOUT, type Answer, type Request } from './http.ts'
export { type Reach } from './open.ts'
export { outbound, type Call, type Called, type Outbound } from './outbound.ts'
export { isPassing, oneLine, refusal, Refused, type Confidential } from './refusal.ts'
