import { failure } from '../../kernel/errors.ts'

export const workspaceErrors = {
  fixedHost: failure(400, null, 'host cannot be changed here'),
  badOrigin: failure(
    400,
    null,
    (origin: string) => `allowedOrigins must be origins such as https://app.example.com, which ${origin} is not`,
  ),
  badDomain: failure(400, null, 'customDomain must be a host name outside of the server'),
  tooManyDomains: failure(400, null, 'There are too many custom domains'),
  /** Terraform's provider asks again for a minute as long as it reads these words */
  noAlias: failure(400, null, 'CName not found'),
  domainTaken: failure(409, null, 'Custom domain already exists'),
  domainNotFound: failure(404, null, 'Custom domain not found'),
}
