import { Type } from 'typebox'
import { codeErrors } from '../../../kernel/challenges.ts'
import { errors } from '../../../kernel/errors.ts'
import { MINUTE } from '../../../kernel/clock.ts'
import { perIp, perRecipient } from '../../../kernel/limits.ts'
import { Empty, operation } from '../../../kernel/operation.ts'
import { smsErrors } from '../../delivery/sms/sms.errors.ts'
import { EmailOnly } from '../user-emails/user-emails.schemas.ts'
import { userErrors } from '../users/users.errors.ts'
import * as numberChange from './number-change.service.ts'
import { phoneNumberErrors } from './phone-numbers.errors.ts'
import { NewPhoneNumber, NumberAfterReset, NumberChange, NumberReset } from './phone-numbers.schemas.ts'

const tag = 'SMS'
const codeFailures = [codeErrors.wrong, codeErrors.expired, errors.tooMany]

/** Browser clients call these; no specification lists them. */
export const numberChangeRoutes = [
  operation({
    id: 'changePhoneNumberV1',
    method: 'POST',
    path: '/identity/resources/users/v1/phone',
    summary: "Get a code sent to the number that is to replace one's own",
    tag,
    auth: 'both',
    recentLogin: true,
    user: 'required',
    body: NewPhoneNumber,
    returns: { 201: Type.Object({ changePhoneId: Type.String() }) },
    errors: [userErrors.phoneNumberTaken, smsErrors.notSent, errors.tooMany],
    handler: (ctx, { body }) => numberChange.ask(ctx, ctx.user, body.phoneNumber),
  }),
  operation({
    id: 'verifyPhoneNumberChangeV1',
    method: 'POST',
    path: '/identity/resources/users/v1/phone/verify',
    summary: "Replace one's own phone number",
    tag,
    auth: 'both',
    people: true,
    user: 'required',
    body: NumberChange,
    returns: { 201: Empty },
    errors: [...codeFailures, userErrors.phoneNumberTaken],
    handler: (ctx, { body }) => numberChange.confirm(ctx, ctx.user, body),
  }),
  operation({
    id: 'resetPhoneNumberV1',
    method: 'POST',
    path: '/identity/resources/users/v1/phone/reset',
    summary: 'Get a code mailed with which a lost phone number can be replaced',
    tag,
    auth: 'public',
    body: EmailOnly,
    limits: [perIp(10, MINUTE), { of: ({ body }) => body.email, ...perRecipient }],
    returns: { 201: Type.Object({ resetPhoneNumberToken: Type.String() }) },
    handler: (ctx, { body }) => numberChange.askReset(ctx, body.email),
  }),
  operation({
    id: 'verifyPhoneNumberResetV1',
    method: 'POST',
    path: '/identity/resources/users/v1/phone/reset/verify',
    summary: 'Exchange the mailed code for a token',
    tag,
    auth: 'public',
    body: NumberReset,
    limits: [perIp(10, MINUTE)],
    returns: { 201: Type.Object({ changePhoneNumberToken: Type.String() }) },
    errors: codeFailures,
    handler: (ctx, { body }) => numberChange.confirmReset(ctx, body),
  }),
  operation({
    id: 'changePhoneNumberAfterResetV1',
    method: 'PUT',
    path: '/identity/resources/users/v1/phone/change',
    summary: 'Replace a lost phone number',
    tag,
    auth: 'public',
    body: NumberAfterReset,
    limits: [perIp(10, MINUTE)],
    returns: { 200: Empty },
    errors: [phoneNumberErrors.badToken, userErrors.phoneNumberTaken],
    handler: (ctx, { body }) => numberChange.finishReset(ctx, body),
  }),
]
