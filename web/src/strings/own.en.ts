import type { AuditLine, Credential, Receipt } from '../api/types'

const methods: Record<Credential['method'], string> = {
  password: 'Password',
  passkey: 'Passkey',
  openid: 'OpenID provider',
}

const roles: Record<string, string> = {
  learner: 'Learner: practises',
  analyst: 'Analyst: sees what happened in sessions, but not what was said',
  operator: 'Operator: runs this server',
}

// By kind of event. A kind that is not here is told by its name.
const audit: Record<string, (line: AuditLine, who: string) => string> = {
  signed_in: ({ what }) => `You signed in (${method(what)})`,
  sign_in_failed: ({ what, count }) =>
    count === 1 ? `A sign-in failed (${method(what)})` : `${count} sign-ins failed (${method(what)})`,
  content_read: (_, who) => `${who} read what was said in a session`,
  exported: ({ session }, who) => `${who} exported ${session ? 'a session' : 'everything'}`,
  deletion_requested: ({ what }, who) =>
    `${who} deleted ${what?.startsWith('session') ? 'a session' : (what ?? 'something')}`,
  operator_acted: ({ what }, who) => `${who} acted as operator: ${what ?? ''}`,
  call_refused: () =>
    'A browser claimed a call of the speech provider that was not its own. Parley did not listen to it',
  audit_interrupted: ({ count }) =>
    `${count} ${count === 1 ? 'line is' : 'lines are'} missing here: the server was stopped`,
  account_registered: () => 'The account was made',
  account_role_granted: ({ what }, who) => `${who} gave this account the role ${what ?? ''}`,
  account_role_withdrawn: ({ what }, who) => `${who} took the role ${what ?? ''} from this account`,
  account_credential_added: ({ what }, who) => `${who} added a way to sign in (${method(what)})`,
  account_credential_removed: (_, who) => `${who} removed a way to sign in`,
  account_credential_renamed: (_, who) => `${who} renamed a passkey`,
  account_credential_used: (_, who) => `${who} used a passkey`,
  account_reset_allowed: (_, who) => `${who} made a link to set a new password`,
  account_invited: (_, who) => `${who} invited you`,
}

function method(what = ''): string {
  return (methods[what as Credential['method']] ?? what).toLowerCase()
}

function actor({ by, name }: AuditLine): string {
  if (by === 'somebody') return name ?? 'Somebody whose account is gone'
  return { you: 'You', operator: 'An operator', parley: 'Parley itself' }[by]
}

/** What was removed, by the receipt's words: one of them, several of them. */
const removed: Record<Receipt['removed'][number]['what'], [one: string, many: string]> = {
  keys: ['key', 'keys'],
  sessions: ['session', 'sessions'],
  topics: ['topic', 'topics'],
  claims: ['claim on an address', 'claims on addresses'],
  objects: ['file', 'files'],
  events: ['event', 'events'],
  copied_events: ['copied event', 'copied events'],
}

const places: Record<string, string> = { vault: 'the vault', log: 'the log', store: 'the audio store' }

/** The words of one's own pages, in English. */
export const ownEn = {
  invitation: {
    title: 'Welcome to Parley',
    lead: 'You are invited. Choose a password, or another way to sign in, and your account is open.',
    submit: 'Open account',
    passkey: 'Open it with a passkey',
    provider: 'Open it at the provider',
    refusals: { forbidden: 'This invitation is over or was used. Ask for another one.' },
  },
  reset: {
    title: 'Choose a new password',
    lead: 'Afterwards you are signed in here, and signed out everywhere else.',
    password: 'New password',
    submit: 'Set password',
    refusals: { forbidden: 'This link is over or was used. Ask for another one.' },
  },
  account: {
    title: 'Your account',
    email: 'E-mail',
    roles: 'Roles',
    role: (role: string) => roles[role] ?? role,
    myData: 'My data',
    myDataLead: 'What is kept, who read it, export and deletion.',
    signOut: 'Sign out',
    confirmOut: {
      title: 'Sign out with something unsaved?',
      text: 'A conversation is kept on this device and not saved yet. It stays here, readable for whoever uses this browser, and only you can save it once you sign in again.',
      yes: 'Sign out anyway',
    },
  },
  password: {
    title: 'Password',
    change: 'Change password',
    old: 'Old password',
    next: 'New password',
    submit: 'Set password',
    done: 'The password is set. All your other browsers are signed out.',
    refusals: { forbidden: 'The old password is wrong.' },
    first: { forbidden: 'You signed in more than five minutes ago: sign out, sign in again, then set it.' },
  },
  ways: {
    title: 'Ways to sign in',
    methods,
    added: (method: Credential['method'], when: string) =>
      method === 'passkey' ? `Passkey, added ${when}` : `added ${when}`,
    name: 'Name of the passkey',
    rename: 'Rename',
    renameOne: (name: string) => `Rename ${name}`,
    save: 'Save name',
    remove: 'Remove',
    removeOne: (name: string) => `Remove ${name}`,
    add: 'Add a passkey',
    lead: 'A passkey lives on this device or in your password manager. It cannot be guessed or given away by mistake.',
    link: 'Link with the provider',
    foreign: 'Remove what you do not know: whoever holds it can sign in as you.',
    password: 'Your password, to add a way to sign in',
    passwordHint: 'Not needed within five minutes of signing in.',
    again: 'If you signed in more than five minutes ago: sign out, sign in again, then add one.',
    /** Why the way back from the provider linked nothing, by the refusal's code. */
    notLinked: (code: string) =>
      code === 'conflict'
        ? 'Not linked: that account at the provider belongs to another account here, or yours is linked already.'
        : 'Linking with the provider did not work. Begin again.',
    unavailable:
      'This browser, or the address at which you opened Parley, cannot have passkeys. They need a name such as parley.example, not a number.',
    refusals: {
      conflict: 'This is your last way to sign in. Add another one first.',
      forbidden:
        'Not added: your password is wrong or missing, or it took too long. Give it, or sign out and in again.',
    },
    confirm: (name: string) => ({
      title: `Remove ${name}?`,
      text: 'You cannot sign in with it any more. Browsers that are signed in stay so.',
      yes: 'Remove it',
    }),
  },
  browsers: {
    title: 'Where you are signed in',
    unnamed: 'A browser',
    here: 'this browser',
    used: (when: string) => `last used ${when}`,
    ends: (when: string) => `ends ${when}`,
    end: 'Sign out',
    endOne: (name: string) => `Sign out ${name}`,
    endOthers: 'Sign out all others',
  },
  myData: {
    device: {
      title: 'On this device',
      text: 'While you talk, the recording is kept in this browser. It is removed once the server has verified it.',
      none: 'Nothing is kept here now.',
      finish: 'Finish saving',
      room: (used: string, quota: string) => `This browser uses ${used} for Parley and may use ${quota}.`,
      stays: 'It has promised not to remove it by itself.',
      mayGo: 'It may remove it by itself when the device is full.',
    },
    title: 'My data',
    lead: 'Your sessions are private. Nothing is shared or published, by anyone.',
    kept: {
      title: 'What is kept, and where',
      what: 'What',
      where: 'Where',
      whom: 'Who can read it',
      rows: [
        {
          what: 'What you and the tutor said, and the text of your own topics',
          where:
            'In the server’s log and its database, encrypted with a key of that session or of your account',
          whom: 'You. Analysts only while you let them, and you see each reading below',
        },
        {
          what: 'Your recordings',
          where: 'In the server’s audio store, one file a session, not encrypted by Parley',
          whom: 'You, and who runs the server',
        },
        {
          what: 'When you talked: times, turns, lengths, trouble on the line',
          where: 'In the log, not encrypted, under a number instead of your name',
          whom: 'You, analysts and operators',
        },
        {
          what: 'Your name, e-mail address and ways to sign in',
          where: 'In the log and the database, encrypted; of a password only a hash',
          whom: 'You and operators; of the ways to sign in nobody sees the secrets',
        },
        {
          what: 'Sign-ins, readings, exports and deletions',
          where: 'In the log, with the network they came from, never the full address',
          whom: 'You and operators',
        },
        {
          what: 'A conversation that is not saved yet',
          where: 'In this browser only, until the server has verified it',
          whom: 'Whoever uses this browser under your account',
        },
      ],
      provider:
        'While you talk, your voice goes to the provider of the tutor. What it keeps is in its own terms.',
      partner: 'The tutor here is the built-in practice partner: your voice goes to nobody else.',
      root: 'Who runs the server with full rights could read what is kept, because the keys are there too. Deletion takes the keys away for everybody.',
    },
    audit: {
      title: 'Who did what',
      lead: 'Readings, exports, deletions and your sign-ins; the newest first.',
      told: (line: AuditLine) =>
        (audit[line.kind] ?? ((_, who) => `${who}: ${line.kind}`))(line, actor(line)),
      reason: (reason: string) => `Reason: ${reason}`,
      from: (network: string) => `from ${network}`,
      none: 'Nothing yet.',
      more: 'Show more',
      session: 'The session',
    },
    grants: {
      title: 'Letting analysts read',
      text: 'Analysts help to make Parley better. They cannot read what you said, unless you allow it for one session, for some time. You give and withdraw this at the foot of each session.',
      sessions: 'Go to your sessions',
    },
    export: {
      title: 'Take everything with you',
      text: 'One archive (zip): your account, your topics, each session as text, captions, data and sound, and who read what. The sound makes it large.',
      submit: 'Export everything',
    },
    erase: {
      title: 'Delete everything',
      steps: [
        'From the first moment nobody can read anything of yours or sign in as you, in any browser.',
        'Then the keys are destroyed: what is left on the server says nothing any more. A backup made before still holds it until it is thrown away; Parley does not bring it back from there.',
        'Then recordings, sessions, topics, name and e-mail address are removed, and the bytes in the log are overwritten, a little every second.',
        'What stays is a tombstone: that something was deleted, when, and how much.',
        'You get the address of a receipt that says when each step was done. It is shown once: keep it.',
      ],
      noBack: 'There is no way back.',
      password: 'Password',
      passwordHint: 'Not needed within five minutes of signing in.',
      again: 'If you signed in more than five minutes ago: sign out, sign in again, then delete.',
      submit: 'Delete everything…',
      refusals: {
        forbidden:
          'Not deleted: the password is wrong or missing. Give your password, or sign out and in again.',
      },
      confirm: {
        title: 'Delete everything of yours?',
        text: 'All sessions, recordings, topics and the account itself become unreadable at once, for you too. There is no way back.',
        yes: 'Delete everything for good',
      },
    },
  },
  grant: {
    title: 'Analysts',
    none: 'No analyst can read what was said here.',
    until: (when: string) =>
      `Analysts can read what was said here until ${when}. Each reading shows in My data.`,
    give: 'Allow for 30 days',
    withdraw: 'Withdraw',
  },
  receipt: {
    session: 'Receipt of a deleted session',
    account: 'Receipt of a deleted account',
    keep: 'Everything of yours is deleted. Keep the address of this page: it is the only key to this receipt.',
    address: 'Address of this receipt',
    copy: 'Copy',
    copied: 'Copied',
    save: 'Save the receipt as a file',
    requested: 'Nobody could read it through Parley any more',
    unreadable: 'Its keys were destroyed: unreadable everywhere',
    swept: 'Its bytes in the log were overwritten',
    pending: 'under way',
    removed: 'What was removed',
    line: (count: number, what: Receipt['removed'][number]['what'], from: string) =>
      `${count} ${removed[what][count === 1 ? 0 : 1]} from ${places[from] ?? from}`,
    left: 'What could not be cleaned',
    leftLead: 'These copies hold sealed bytes whose key is gone.',
    refusals: { not_found: 'There is no such receipt, or it is not yours.' },
  },
}
