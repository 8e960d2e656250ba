import { translated } from '../../texts.ts'

export const texts = translated(
  {
    activate: 'Confirm your email address',
    activateText: 'With this button you confirm that the address is yours, and log in.',
    activateWithPassword: 'Choose a password. With that you confirm that the address is yours, and log in.',
    activateButton: 'Confirm and log in',
    codeHint: 'It is in the message that we have sent you.',
    accept: 'Accept the invitation',
    acceptText: 'With this button you join the account that has invited you.',
    accepted: 'You have accepted the invitation',
    acceptedText: 'Log in to go on.',
    unlock: 'Unlock your account',
    unlockText: 'With this button you unlock your account. Then log in again.',
    unlocked: 'Your account is unlocked',
    unlockedText: 'Log in again. If it was not you who guessed, choose a new password.',
  },
  {
    activate: 'E-Mail-Adresse bestätigen',
    activateText: 'Mit diesem Knopf bestätigen Sie, dass die Adresse Ihnen gehört, und melden sich an.',
    activateWithPassword:
      'Wählen Sie ein Passwort. Damit bestätigen Sie, dass die Adresse Ihnen gehört, und melden sich an.',
    activateButton: 'Bestätigen und anmelden',
    codeHint: 'Er steht in der Nachricht, die wir Ihnen geschickt haben.',
    accept: 'Einladung annehmen',
    acceptText: 'Mit diesem Knopf treten Sie dem Konto bei, das Sie eingeladen hat.',
    accepted: 'Sie haben die Einladung angenommen',
    acceptedText: 'Melden Sie sich an, um weiterzukommen.',
    unlock: 'Konto entsperren',
    unlockText: 'Mit diesem Knopf entsperren Sie Ihr Konto. Melden Sie sich danach wieder an.',
    unlocked: 'Ihr Konto ist entsperrt',
    unlockedText: 'Melden Sie sich wieder an. Wenn nicht Sie geraten haben, wählen Sie ein neues Passwort.',
  },
)
