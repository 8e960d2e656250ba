export { checkHttp, http, type HttpOptions } from './http.ts'
export { type Sms, type SmsProvider } from './sms.ts'
export { checkTwilio, twilio, type TwilioOptions } from './twilio.ts'
