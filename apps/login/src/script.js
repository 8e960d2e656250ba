// Everything works without this script. It only makes some things easier.

/** A password can be shown, as people type fewer wrong ones then. */
for (const box of document.querySelectorAll('.secret')) {
  const input = box.querySelector('input'),
    button = document.createElement('button')
  button.type = 'button'
  button.className = 'show'
  button.setAttribute('aria-controls', input.id)
  const put = (isShown) => {
    input.type = isShown ? 'text' : 'password'
    button.textContent = isShown ? box.dataset.hide : box.dataset.show
    button.setAttribute('aria-label', isShown ? box.dataset.hideLabel : box.dataset.showLabel)
  }
  button.addEventListener('click', () => put(input.type === 'password'))
  // browsers keep only what was typed into a field for passwords from their list of old texts
  input.form.addEventListener('submit', () => put(false))
  put(false)
  box.append(button)
}

/** Codes are mailed, shown and pasted in groups. */
for (const input of document.querySelectorAll('input.code'))
  input.addEventListener('input', () => {
    const plain = input.value.replace(/[\s-]+/g, '')
    if (plain !== input.value) input.value = plain
  })

/** Passkeys and security keys: the browser asks for one, and the form sends what it has signed. */
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0))
const base64url = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '')

const withBytes = (list = []) => list.map((one) => ({ ...one, id: bytes(one.id) }))

/** A signature of one that there is, or a new one for the user that the options name. */
async function signed({ challenge, allowCredentials, excludeCredentials, user, ...rest }) {
  const shared = { ...rest, challenge: bytes(challenge) },
    { id, response } = user
      ? await navigator.credentials.create({
          publicKey: {
            ...shared,
            user: { ...user, id: bytes(user.id) },
            excludeCredentials: withBytes(excludeCredentials),
          },
        })
      : await navigator.credentials.get({ publicKey: { ...shared, allowCredentials: withBytes(allowCredentials) } })
  const parts = ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle'].filter(
    // authenticators that make a key also show `authenticatorData`, which is in the statement already
    (name) => response[name] && !(user && name === 'authenticatorData'),
  )
  return { id, response: Object.fromEntries(parts.map((name) => [name, base64url(response[name])])) }
}

for (const box of document.querySelectorAll('.key')) {
  const form = box.querySelector('form'),
    { assertion } = form.elements
  form.addEventListener('submit', async (event) => {
    if (assertion.value) return
    // also the guard below, as nothing is sent yet
    event.preventDefault()
    event.stopImmediatePropagation()
    try {
      assertion.value = JSON.stringify(await signed(JSON.parse(box.dataset.options)))
      // with the button, whose name says what is done
      form.requestSubmit(event.submitter)
    } catch {
      box.querySelector('[role=alert]').hidden = false
    }
  })
}

/** A second click on a button sends the form a second time, and codes and links work once. */
for (const form of document.forms)
  form.addEventListener('submit', (event) => {
    if (form.dataset.sent) return event.preventDefault()
    form.dataset.sent = 'yes'
    for (const button of form.querySelectorAll('button[type=submit]')) button.setAttribute('aria-disabled', 'true')
  })
// the browser may show the page again as it was left
addEventListener('pageshow', () => {
  for (const form of document.forms) {
    delete form.dataset.sent
    for (const button of form.querySelectorAll('button[aria-disabled]')) button.removeAttribute('aria-disabled')
  }
})

document.querySelector('.problem')?.focus()
