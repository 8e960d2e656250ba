import { Type, type Static } from 'typebox'
import { setting } from '../../../kernel/settings.ts'
import { Id } from '../../../kernel/validation.ts'

/** Whether users may log in at the server's own pages, for clients that speak OAuth. */
export const OauthConfiguration = Type.Object({ isActive: Type.Boolean() })
export const oauthConfiguration = setting('oauth-configuration', OauthConfiguration, { isActive: true })
export const OauthConfigurationChange = Type.Partial(OauthConfiguration)
export type OauthConfigurationChange = Static<typeof OauthConfigurationChange>

/** It is part of an index. */
export const NewRedirectUri = Type.Object({ redirectUri: Type.String({ minLength: 1, maxLength: 2000 }) })

export const RedirectUri = Type.Object({ id: Id, redirectUri: Type.String() })
export const RedirectUris = Type.Object({ redirectUris: Type.Array(RedirectUri) })
