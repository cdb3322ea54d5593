/** What the OpenAPI document shows of every named schema that is answered: on its pages, and by mock servers. */
const ID = "0193a1c2-7f3e-7b44-9d52-6a1c0de5b8f7";
const OTHER_ID = "0193a1c2-8210-7c15-8a6e-2f90b7c4d1e3";
export const TENANT_ID = "0193a1c2-7f3c-7a90-b1d4-93e5f6a7c802";
export const TOKEN = "pX0v2n5Yb1Qm8Kc7Rt4Wz9Jd3Fh6Lg0Us2Ne5Ai8Vo1";
const MORNING = "2026-11-30T09:00:00.000Z";
const EVENING = "2026-11-30T18:30:00.000Z";
export const EMAIL = "ada@lovelace.example";
export const PASSWORD = "correct horse battery staple";
export const NAMES = { firstName: "Ada", lastName: "Lovelace" };
const DEVICE = "Firefox on Linux";
const BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
const IP = "192.0.2.1";

const USER = {
  id: ID,
  tenantId: TENANT_ID,
  email: EMAIL,
  pendingEmail: null,
  ...NAMES,
  status: "active",
  roles: ["owner"],
  emailVerifiedAt: MORNING,
  lastLoginAt: EVENING,
  createdAt: MORNING,
  updatedAt: MORNING,
  version: 7,
};

const SETTINGS = {
  passwordMinLength: 15,
  mfaRequired: false,
  locale: "en-GB",
  custom: { plan: "team" },
};
const NAMED = { id: TENANT_ID, slug: "lovelace", name: "Lovelace Ltd", status: "active" };
const TENANT = {
  ...NAMED,
  settings: SETTINGS,
  seatLimit: 50,
  deletedAt: null,
  createdAt: MORNING,
  updatedAt: MORNING,
  version: 3,
};

const MEMBERSHIP = {
  tenant: NAMED,
  userId: ID,
  roles: ["owner"],
  status: "active",
};

export const PROFILE = {
  userId: ID,
  phone: "+442079460000",
  avatarUrl: "https://lovelace.example/ada.png",
  timezone: "Europe/London",
  language: "en-GB",
  preferences: { theme: "dark" },
  updatedAt: MORNING,
};

const SESSION_FIELDS = {
  deviceName: DEVICE,
  userAgent: BROWSER,
  ip: IP,
  authenticationMethods: ["pwd"],
  createdAt: MORNING,
  lastUsedAt: EVENING,
  expiresAt: "2026-12-14T18:30:00.000Z",
};
const SESSION = { id: OTHER_ID, current: true, impersonated: false, ...SESSION_FIELDS };

const ROLE_FIELDS = {
  id: OTHER_ID,
  tenantId: TENANT_ID,
  name: "support",
  description: "Helps people who cannot log in",
  permissions: ["session:read", "user:read"],
  createdAt: MORNING,
  updatedAt: MORNING,
};
const ROLE = { ...ROLE_FIELDS, holders: 4 };

const INVITATION = {
  id: OTHER_ID,
  tenantId: TENANT_ID,
  email: "charles@lovelace.example",
  roles: ["member"],
  status: "pending",
  invitedBy: ID,
  expiresAt: "2026-12-07T09:00:00.000Z",
  acceptedAt: null,
  acceptedBy: null,
  createdAt: MORNING,
};

const API_KEY = {
  id: OTHER_ID,
  userId: ID,
  tenantId: TENANT_ID,
  name: "Nightly report",
  prefix: "tnk_4fK9",
  scopes: ["user:read"],
  expiresAt: "2027-02-28T09:00:00.000Z",
  lastUsedAt: EVENING,
  createdBy: ID,
  createdAt: MORNING,
};

const SERVICE_ACCOUNT = {
  id: OTHER_ID,
  tenantId: TENANT_ID,
  name: "Nightly report",
  status: "active",
  roles: ["member"],
  createdAt: MORNING,
  updatedAt: MORNING,
  version: 1,
};

export const PASSKEY = {
  id: OTHER_ID,
  name: "Ada's phone",
  createdAt: MORNING,
  lastUsedAt: EVENING,
  backedUp: true,
  transports: ["internal", "hybrid"],
};

const PERMISSION = {
  key: "acme:invoice:approve",
  description: "Approve invoices",
  application: true,
  heldFrom: "admin",
  platform: false,
};

const AUDIT_ROW = {
  id: OTHER_ID,
  tenantId: TENANT_ID,
  actorId: ID,
  impersonatorId: null,
  sessionId: OTHER_ID,
  action: "user.created",
  resourceType: "user",
  resourceId: ID,
  outcome: "success",
  details: { roles: ["member"] },
  ip: IP,
  userAgent: BROWSER,
  device: DEVICE,
  requestId: ID,
  createdAt: MORNING,
};

const TOKENS = {
  accessToken: "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiIwMTkzIn0.c2lnbmF0dXJl",
  tokenType: "Bearer",
  expiresIn: 900,
  refreshToken: TOKEN,
  user: USER,
};

const DESCRIPTOR = { id: "q7Zk3VtY9w", type: "public-key", transports: ["internal"] };

function page(item: object) {
  return { items: [item], nextCursor: null };
}

export const ANSWERS = {
  ApiKey: API_KEY,
  ApiKeyPage: page(API_KEY),
  AuditPage: page(AUDIT_ROW),
  AuditRow: AUDIT_ROW,
  BulkResult: { results: [{ index: 0, status: 201, id: ID }], succeeded: 1, failed: 0 },
  ChallengeAnswer: { challengeId: TOKEN, expiresIn: 900 },
  CheckAnswer: { allowed: true, missing: [] },
  CodeSent: { expiresIn: 900 },
  ConfirmedTotp: { recoveryCodes: ["k7m2p-9xq4r", "w3t8v-5hn6d"] },
  CreatedApiKey: { ...API_KEY, key: `tnk_4fK9${TOKEN}` },
  Factors: {
    password: true,
    totp: { createdAt: MORNING },
    passkeys: [PASSKEY],
    recoveryCodesLeft: 9,
  },
  ImportReport: {
    dryRun: false,
    rows: 120,
    created: 119,
    failed: 1,
    unproved: 0,
    errors: [{ line: 17, field: "email", message: "Not an e-mail address" }],
  },
  Invitation: INVITATION,
  InvitationPage: page(INVITATION),
  InvitationPreview: {
    tenant: { name: TENANT.name },
    email: INVITATION.email,
    expiresAt: INVITATION.expiresAt,
  },
  LoginAnswer: TOKENS,
  Me: {
    user: USER,
    tenant: TENANT,
    roles: ["owner"],
    permissions: ["user:read"],
    impersonation: null,
  },
  Membership: MEMBERSHIP,
  Memberships: { items: [MEMBERSHIP] },
  MfaAnswer: { mfaRequired: true, mfaToken: TOKEN, expiresIn: 300, methods: ["totp"] },
  Passkey: PASSKEY,
  PasskeyCreationOptions: {
    rp: { id: "id.lovelace.example", name: "Tenantry" },
    user: { id: TOKEN, name: EMAIL, displayName: "Ada Lovelace" },
    challenge: TOKEN,
    pubKeyCredParams: [{ type: "public-key", alg: -7 }],
    timeout: 300_000,
    excludeCredentials: [DESCRIPTOR],
    authenticatorSelection: {
      residentKey: "required",
      requireResidentKey: true,
      userVerification: "required",
    },
    attestation: "none",
  },
  PasskeyRequestOptions: {
    challenge: TOKEN,
    rpId: "id.lovelace.example",
    timeout: 300_000,
    allowCredentials: [DESCRIPTOR],
    userVerification: "required",
  },
  PendingTotp: {
    secret: "JBSWY3DPEHPK3PXP",
    uri: "otpauth://totp/Tenantry:ada@lovelace.example?secret=JBSWY3DPEHPK3PXP&issuer=Tenantry",
  },
  Permission: PERMISSION,
  PermissionList: { items: [PERMISSION] },
  PersonalData: {
    exportedAt: EVENING,
    user: USER,
    account: {
      password: true,
      failedLogIns: 0,
      lockedUntil: null,
      deletedAt: null,
      createdBy: null,
    },
    memberships: [MEMBERSHIP],
    profile: PROFILE,
    roles: [{ name: "owner", grantedAt: MORNING }],
    sessions: [{ id: OTHER_ID, ...SESSION_FIELDS, revokedAt: null }],
    passkeys: [{ name: PASSKEY.name, createdAt: MORNING, lastUsedAt: EVENING }],
    authenticatorApps: [],
    recoveryCodes: [],
    apiKeys: [],
    invitations: [],
    auditRows: [AUDIT_ROW],
    auditRowsComplete: true,
  },
  Problem: {
    type: "urn:tenantry:problem:not_found",
    title: "Not found",
    status: 404,
    code: "not_found",
    detail: "There is no such thing, or it is another tenant's.",
    instance: `urn:tenantry:request:${ID}`,
  },
  Profile: PROFILE,
  RecoveryCodes: { codes: ["k7m2p-9xq4r", "w3t8v-5hn6d"] },
  Role: ROLE,
  RolePage: page(ROLE),
  ServiceAccount: SERVICE_ACCOUNT,
  ServiceAccountPage: page(SERVICE_ACCOUNT),
  Session: SESSION,
  SessionPage: page(SESSION),
  Tenant: TENANT,
  TenantChoice: { tenantSelection: [MEMBERSHIP], selectionToken: TOKEN, expiresIn: 300 },
  TenantPage: page(TENANT),
  TenantSettings: SETTINGS,
  UserPoolMove: { userPool: "isolated", dryRun: true, moved: 41, copied: 2, provisional: 0 },
  TenantUsage: {
    users: { active: 41, disabled: 2, deleted: 5 },
    serviceAccounts: 3,
    pendingInvitations: 4,
    seats: { taken: 45, limit: 50 },
    activeSessions: 38,
    apiKeys: 6,
    lastActivityAt: EVENING,
  },
  TokenAnswer: TOKENS,
  UpdateTenantSettings: { mfaRequired: true, locale: null },
  User: USER,
  UserList: page(USER),
  UserRoles: { roles: [ROLE_FIELDS] },
};
