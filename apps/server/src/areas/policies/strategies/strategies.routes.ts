import { Empty, operation } from '../../../kernel/operation.ts'
import * as identitySettings from '../identity-settings/identity-settings.service.ts'
import {
  ActivationChange,
  InvitationChange,
  MailStrategy,
  PasswordRecoveryStrategies,
  SignUpStrategies,
  toPasswordRecoveryStrategies,
  toSignUpStrategies,
} from './strategies.schemas.ts'
import * as strategies from './strategies.service.ts'

const path = '/identity/resources/configurations/v1'
const tag = 'Account Invitations Settings'

export const strategiesRoutes = [
  operation({
    id: 'getActivationStrategyV1',
    method: 'GET',
    path: `${path}/activation/strategies`,
    summary: 'Read whether users activate by a link or a code',
    tag,
    auth: 'vendor',
    returns: { 200: MailStrategy },
    handler: (ctx) => strategies.activation(ctx),
  }),
  operation({
    id: 'setActivationStrategyV1',
    method: 'POST',
    path: `${path}/activation/strategies`,
    summary: 'Have users activate by a link or a code',
    tag,
    auth: 'vendor',
    audit: 'identitySettings.activationUpdated',
    body: ActivationChange,
    returns: { 200: Empty },
    handler: (ctx, { body }) => strategies.changeActivation(ctx, body),
  }),
  operation({
    id: 'getInvitationStrategyV1',
    method: 'GET',
    path: `${path}/invitation/strategies`,
    summary: 'Read whether users accept invitations by a link or a code',
    tag,
    auth: 'vendor',
    returns: { 200: MailStrategy },
    handler: (ctx) => strategies.invitation(ctx),
  }),
  operation({
    id: 'setInvitationStrategyV1',
    method: 'POST',
    path: `${path}/invitation/strategies`,
    summary: 'Have users accept invitations by a link or a code',
    tag,
    auth: 'vendor',
    audit: 'identitySettings.invitationUpdated',
    body: InvitationChange,
    returns: { 200: Empty },
    handler: (ctx, { body }) => strategies.changeInvitation(ctx, body),
  }),
  operation({
    id: 'listSignUpStrategiesV1',
    method: 'GET',
    path: `${path}/sign-up/strategies`,
    summary: 'Read what a sign-up form asks for',
    tag: 'Core Settings',
    auth: 'public',
    returns: { 200: SignUpStrategies },
    handler: async (ctx) => toSignUpStrategies(await identitySettings.current(ctx)),
  }),
  operation({
    id: 'listPasswordRecoveryStrategiesV1',
    method: 'GET',
    path: `${path}/password-recovery/strategies`,
    summary: 'Read how a forgotten password can be reset',
    tag: 'Core Settings',
    auth: 'public',
    returns: { 200: PasswordRecoveryStrategies },
    handler: async (ctx) => toPasswordRecoveryStrategies(await identitySettings.current(ctx)),
  }),
]
