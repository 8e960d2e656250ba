import { Type } from 'typebox'
import { Empty, operation } from '../../../kernel/operation.ts'
import { mailErrors } from './mail.errors.ts'
import { MailConfiguration, MailPayload, SendgridSecret } from './mail.schemas.ts'
import * as mail from './mail.service.ts'

const tag = 'Email Configuration'

export const mailRoutes = [
  operation({
    id: 'getMailConfigurationV1',
    method: 'GET',
    path: '/identity/resources/mail/v1/configurations',
    summary: 'Show who carries the mail, with the secret masked',
    tag,
    auth: 'vendor',
    returns: { 200: MailConfiguration },
    errors: [mailErrors.notConfigured],
    handler: (ctx) => mail.configuration(ctx),
  }),
  operation({
    id: 'setMailConfigurationV1',
    method: 'POST',
    path: '/identity/resources/mail/v1/configurations',
    summary: 'Have SendGrid carry the mail',
    tag,
    deprecated: true,
    auth: 'vendor',
    audit: 'mailConfiguration.updated',
    body: SendgridSecret,
    returns: { 201: Empty },
    handler: (ctx, { body }) => mail.configure(ctx, { provider: 'sendgrid', ...body }),
  }),
  operation({
    id: 'deleteMailConfigurationV1',
    method: 'DELETE',
    path: '/identity/resources/mail/v1/configurations',
    summary: "Leave the mail to the server's own provider",
    tag,
    auth: 'vendor',
    audit: 'mailConfiguration.deleted',
    returns: { 200: Empty },
    handler: (ctx) => mail.removeConfiguration(ctx),
  }),
  operation({
    id: 'setMailConfigurationV2',
    method: 'POST',
    path: '/identity/resources/mail/v2/configurations',
    summary: 'Choose the provider that carries the mail',
    tag,
    auth: 'vendor',
    audit: 'mailConfiguration.updated',
    body: Type.Object({ payload: Type.Optional(MailPayload) }),
    returns: { 201: Empty },
    handler: (ctx, { body }) => mail.configure(ctx, body.payload),
  }),
]
