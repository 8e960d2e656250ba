import { operation } from '../../../kernel/operation.ts'
import { toDocument } from '../../../kernel/settings.ts'
import { captchaErrors } from './captcha-policy.errors.ts'
import { CaptchaPolicy, NewCaptchaPolicy, PublicCaptchaPolicy } from './captcha-policy.schemas.ts'
import * as captcha from './captcha-policy.service.ts'

const path = '/identity/resources/configurations/v1/captcha-policy'
const tag = 'Core Settings'

export const captchaPolicyRoutes = [
  operation({
    id: 'getCaptchaPolicyV1',
    method: 'GET',
    path,
    summary: 'Read when a captcha is asked for',
    tag,
    auth: 'vendor',
    returns: { 200: CaptchaPolicy },
    errors: [captchaErrors.notFound],
    handler: async (ctx) => toDocument(await captcha.policy(ctx)),
  }),
  operation({
    id: 'createCaptchaPolicyV1',
    method: 'POST',
    path,
    summary: 'Ask for a captcha',
    tag,
    auth: 'vendor',
    audit: 'captchaPolicy.updated',
    body: NewCaptchaPolicy,
    returns: { 201: CaptchaPolicy },
    errors: [captchaErrors.taken, captchaErrors.keysRefused],
    handler: async (ctx, { body }) => toDocument(await captcha.createPolicy(ctx, body)),
  }),
  operation({
    id: 'replaceCaptchaPolicyV1',
    method: 'PUT',
    path,
    summary: 'Change when a captcha is asked for',
    tag,
    auth: 'vendor',
    audit: 'captchaPolicy.updated',
    body: NewCaptchaPolicy,
    returns: { 200: CaptchaPolicy },
    errors: [captchaErrors.notFound, captchaErrors.keysRefused],
    handler: async (ctx, { body }) => toDocument(await captcha.replacePolicy(ctx, body)),
  }),
  operation({
    id: 'getPublicCaptchaPolicyV1',
    method: 'GET',
    path: `${path}/public`,
    summary: 'Read whether a login page shows a captcha',
    tag,
    auth: 'public',
    returns: { 200: PublicCaptchaPolicy },
    handler: (ctx) => captcha.publicPolicy(ctx),
  }),
]
