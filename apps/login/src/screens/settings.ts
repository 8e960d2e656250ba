import { read, type Visit } from '../visit.ts'

interface PublicConfiguration {
  readonly authStrategy: string
  readonly allowSignups: boolean
}
export type Way = 'password' | 'link' | 'code' | 'sms' | 'none'

/** How people log in to this environment. */
export async function settingsOf(visit: Visit) {
  const { authStrategy, allowSignups } = await read<PublicConfiguration>(
    visit,
    '/identity/resources/configurations/v1/public',
  )
  return { way: wayOf(authStrategy), hasUsernames: authStrategy.startsWith('Username'), allowSignups }
}

function wayOf(strategy: string): Way {
  if (strategy.endsWith('Password')) return 'password'
  if (strategy.endsWith('MagicLink')) return 'link'
  if (/sms/i.test(strategy)) return 'sms'
  return strategy.endsWith('Code') ? 'code' : 'none'
}

/** As the API names the two kinds of names. */
export const named = (identifier: string) =>
  identifier.includes('@') ? { email: identifier } : { username: identifier }
