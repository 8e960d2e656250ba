import { translated } from '../../texts.ts'

export const texts = translated(
  {
    title: 'Log in with a passkey',
    text: 'Your browser asks for your passkey: a fingerprint, your face, a PIN or a security key.',
    use: 'Use the passkey',
    needsScript: 'Passkeys need JavaScript, which is switched off here.',
    failed: 'The passkey did not work. Try again, or choose another way.',
    off: 'You cannot log in with a passkey here',
  },
  {
    title: 'Mit Passkey anmelden',
    text: 'Ihr Browser fragt nach Ihrem Passkey: Fingerabdruck, Gesicht, PIN oder Sicherheitsschlüssel.',
    use: 'Passkey verwenden',
    needsScript: 'Passkeys brauchen JavaScript, das hier abgeschaltet ist.',
    failed: 'Der Passkey hat nicht funktioniert. Versuchen Sie es noch einmal oder wählen Sie einen anderen Weg.',
    off: 'Mit einem Passkey können Sie sich hier nicht anmelden',
  },
)
