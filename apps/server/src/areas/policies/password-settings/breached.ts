import { createHash } from 'node:crypto'
import type { Ctx } from '../../../kernel/operation.ts'

const TIMEOUT_MS = 3000

/** The passwords that are tried first everywhere, for servers that ask no service. */
const common: ReadonlySet<string> = new Set(
  `
  123456 123456789 12345678 1234567 1234567890 12345 123123 1234 111111 000000 654321 666666 121212 112233 123321 987654321 1q2w3e 1q2w3e4r 1q2w3e4r5t 1qaz2wsx
  password password1 password12 password123 Password Password1 Password1! Password12 Password123 Password123! P@ssw0rd P@ssword1 P@$$w0rd passw0rd Passw0rd! pass123 pass1234
  qwerty qwerty1 qwerty12 qwerty123 Qwerty123 Qwerty123! Qwerty1! qwertyuiop qwe123 qweasd qweasdzxc qazwsx asdfgh asdf1234 asdfghjkl zxcvbn zxcvbnm zaq12wsx
  abc123 abcd1234 Abcd1234 Abcd1234! abc12345 a1b2c3 a123456 aa123456 Aa123456 Aa123456! Aa@123456 123abc 123qwe 123qweasd q1w2e3r4 q1w2e3r4t5
  admin admin1 admin12 admin123 Admin123 Admin123! Admin@123 administrator root toor guest test test123 Test123! Test1234 Test1234! demo user user123 changeme Changeme1 Changeme123! secret
  welcome welcome1 Welcome1 Welcome1! Welcome123 Welcome123! letmein letmein1 Letmein1! login iloveyou iloveyou1 sunshine princess monkey dragon football baseball basketball soccer
  superman batman master shadow michael jordan jordan23 charlie ashley bailey daniel jessica andrew thomas joshua robert hunter hunter2 killer trustno1 whatever freedom starwars
  computer internet samsung google pokemon naruto summer Summer2023 Summer2024! Summer2025! Winter2024! Winter2025! Spring2025! Autumn2025! Company123 Company123!
`
    .trim()
    .split(/\s+/),
)

/**
 * How often a password appears in known breaches; 0 for never. Only the first five of the forty digits of its SHA-1
 * leave the server, and the reply is padded, so that neither gives the password away (Have I Been Pwned's range
 * protocol).
 * When the service does not answer, the result is 0: it must not keep people from choosing passwords.
 */
export async function timesBreached({ deps, log }: Ctx, password: string): Promise<number> {
  if (deps.breachedPasswordsUrl === undefined) return common.has(password) ? 1 : 0
  const digest = createHash('sha1').update(password).digest('hex').toUpperCase()
  try {
    const response = await fetch(`${deps.breachedPasswordsUrl.replace(/\/+$/, '')}/${digest.slice(0, 5)}`, {
      headers: { 'Add-Padding': 'true' },
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (!response.ok) throw new Error(`it answered ${response.status}`)
    // padding has a count of 0
    const found = new RegExp(`^${digest.slice(5)}:(\\d+)\\s*$`, 'im').exec(await response.text())
    return found ? Number(found[1]) : 0
  } catch (error) {
    log.warn({ err: error }, 'breached passwords could not be looked up')
    return 0
  }
}
