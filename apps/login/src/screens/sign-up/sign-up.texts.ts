import { translated } from '../../texts.ts'

export const texts = translated(
  {
    title: 'Sign up',
    name: 'Your name',
    company: 'Name of your company or team',
    enterCompany: 'Enter the name of your company or team',
    invitedTo: (name: string) => `You have been invited to ${name}.`,
    off: 'You cannot sign up here. Ask your administrator for an invitation.',
    taken: 'There is an account for this address already. Log in, or choose a new password',
    domain: 'Addresses of this domain cannot sign up here',
    invitationOver: 'This invitation no longer works. Ask for another one',
    sent: 'Look into your mail',
    sentText: (to: string) => `We have sent a message to ${to}. Confirm with it that the address is yours.`,
    have: 'You have an account?',
  },
  {
    title: 'Registrieren',
    name: 'Ihr Name',
    company: 'Name Ihrer Firma oder Ihres Teams',
    enterCompany: 'Geben Sie den Namen Ihrer Firma oder Ihres Teams ein',
    invitedTo: (name: string) => `Sie wurden zu ${name} eingeladen.`,
    off: 'Sie können sich hier nicht registrieren. Bitten Sie Ihre Administration um eine Einladung.',
    taken: 'Für diese Adresse gibt es schon ein Konto. Melden Sie sich an oder wählen Sie ein neues Passwort',
    domain: 'Adressen dieser Domain können sich hier nicht registrieren',
    invitationOver: 'Diese Einladung gilt nicht mehr. Bitten Sie um eine neue',
    sent: 'Sehen Sie in Ihr Postfach',
    sentText: (to: string) =>
      `Wir haben eine Nachricht an ${to} geschickt. Bestätigen Sie damit, dass die Adresse Ihnen gehört.`,
    have: 'Sie haben ein Konto?',
  },
)
