import { translated } from '../../texts.ts'

export const texts = translated(
  {
    with: (name: string) => `Continue with ${name}`,
    title: 'Log in with another account',
    cancelled: 'You were not logged in there. Try again, or log in another way.',
    unknown: 'This way to log in is not there any more.',
    noEmail: 'The other account does not vouch for your email address, so we cannot log you in with it.',
    domain: 'The domain of your email address is not allowed here.',
    signUpOff: 'You have no account here, and new ones cannot be made.',
    taken: 'There is an account with your email address already. Log in another way.',
  },
  {
    with: (name: string) => `Weiter mit ${name}`,
    title: 'Mit einem anderen Konto anmelden',
    cancelled: 'Sie wurden dort nicht angemeldet. Versuchen Sie es noch einmal, oder melden Sie sich anders an.',
    unknown: 'Diese Art der Anmeldung gibt es nicht mehr.',
    noEmail: 'Das andere Konto bürgt nicht für Ihre E-Mail-Adresse. Deshalb können wir Sie damit nicht anmelden.',
    domain: 'Die Domain Ihrer E-Mail-Adresse ist hier nicht erlaubt.',
    signUpOff: 'Sie haben hier kein Konto, und neue können nicht angelegt werden.',
    taken: 'Es gibt schon ein Konto mit Ihrer E-Mail-Adresse. Melden Sie sich anders an.',
  },
)
