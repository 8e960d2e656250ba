import { operation } from '../../../kernel/operation.ts'
import { mfaErrors } from './mfa.errors.ts'
import { sessionErrors } from '../../access/sessions/sessions.errors.ts'
import { StepUp, StepUpRequest } from './step-up.schemas.ts'
import * as stepUp from './step-up.service.ts'

export const stepUpRoutes = [
  operation({
    id: 'generateStepUpV1',
    method: 'POST',
    path: '/identity/resources/auth/v1/user/step-up/generate',
    summary: 'Begin to show a second factor once more',
    tag: 'MFA',
    auth: 'user',
    people: true,
    body: StepUpRequest,
    returns: { 201: StepUp },
    errors: [sessionErrors.ended, mfaErrors.notEnrolled],
    handler: (ctx) => stepUp.generate(ctx, ctx.caller),
  }),
]
