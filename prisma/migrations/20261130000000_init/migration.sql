-- Henhouse 0.2.0. Tables are what Prisma makes of prisma/models; what its language cannot say stands before and after them.

-- Indexes for text that contains what is searched for. Trusted: the owner of the database may create it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- Lock 2 of four (docs/ARCHITECTURE.md): a row written without ctx.db has no environment, and fails.
CREATE FUNCTION vendor_id_required() RETURNS uuid
    LANGUAGE plpgsql
    AS $$
BEGIN RAISE EXCEPTION 'row written without an environment: use ctx.db'; END $$;

-- Lock 4: a row never moves to another environment, not even through a nested connect.
CREATE FUNCTION vendor_never_changes() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN RAISE EXCEPTION 'a row never moves to another environment'; END $$;

CREATE FUNCTION owned_by_vendor(owned regclass) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER vendor_never_changes BEFORE UPDATE OF "vendorId" ON %s FOR EACH ROW WHEN (OLD."vendorId" IS DISTINCT FROM NEW."vendorId") EXECUTE FUNCTION vendor_never_changes()', owned);
END $$;

-- CreateTable
CREATE TABLE "Application" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "appURL" TEXT NOT NULL,
    "loginURL" TEXT NOT NULL,
    "logoURL" TEXT NOT NULL DEFAULT '',
    "appHost" TEXT,
    "description" TEXT NOT NULL DEFAULT '',
    "accessType" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "frontendStack" TEXT NOT NULL,
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "isActive" BOOLEAN NOT NULL DEFAULT true,
    "allowDcr" BOOLEAN NOT NULL DEFAULT false,
    "clientSecret" TEXT NOT NULL,
    "sharedSecret" TEXT NOT NULL,
    "integrationFinishedAt" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Application_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "DefaultApplication" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "applicationId" UUID,

    CONSTRAINT "DefaultApplication_pkey" PRIMARY KEY ("vendorId")
);

-- CreateTable
CREATE TABLE "ApplicationTenant" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "applicationId" UUID NOT NULL,
    "tenantId" TEXT NOT NULL,
    "accessType" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "ApplicationTenant_pkey" PRIMARY KEY ("vendorId","applicationId","tenantId")
);

-- CreateTable
CREATE TABLE "ApplicationUser" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "applicationId" UUID NOT NULL,
    "userId" UUID NOT NULL,
    "tenantId" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "ApplicationUser_pkey" PRIMARY KEY ("vendorId","applicationId","userId","tenantId")
);

-- CreateTable
CREATE TABLE "ApplicationActiveTenant" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "userId" UUID NOT NULL,
    "applicationId" UUID NOT NULL,
    "tenantId" TEXT NOT NULL,

    CONSTRAINT "ApplicationActiveTenant_pkey" PRIMARY KEY ("vendorId","userId","applicationId")
);

-- CreateTable
CREATE TABLE "ApplicationClient" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "applicationId" UUID NOT NULL,
    "clientName" TEXT NOT NULL,
    "clientType" TEXT NOT NULL,
    "clientSecret" TEXT NOT NULL,
    "redirectURLs" TEXT[],
    "externalMetadata" JSONB,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "ApplicationClient_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Vendor" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "host" TEXT,
    "isDefault" BOOLEAN NOT NULL DEFAULT false,
    "apiKeyHash" TEXT NOT NULL,
    "clockOffsetMs" BIGINT NOT NULL DEFAULT 0,
    "clockFrozenAt" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Vendor_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "SigningKey" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" TEXT NOT NULL,
    "publicKey" TEXT NOT NULL,
    "privateKey" TEXT NOT NULL,
    "secret" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "retiredAt" TIMESTAMPTZ(3),

    CONSTRAINT "SigningKey_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Group" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "tenantId" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "color" TEXT NOT NULL DEFAULT '#A3ADBA',
    "description" TEXT NOT NULL DEFAULT '',
    "metadata" TEXT NOT NULL DEFAULT '{}',
    "managedBy" TEXT NOT NULL DEFAULT 'frontegg',
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Group_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "GroupRole" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "groupId" UUID NOT NULL,
    "tenantId" TEXT NOT NULL,
    "roleId" UUID NOT NULL,

    CONSTRAINT "GroupRole_pkey" PRIMARY KEY ("vendorId","groupId","roleId")
);

-- CreateTable
CREATE TABLE "GroupUser" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "groupId" UUID NOT NULL,
    "tenantId" TEXT NOT NULL,
    "userId" UUID NOT NULL,

    CONSTRAINT "GroupUser_pkey" PRIMARY KEY ("vendorId","groupId","userId")
);

-- CreateTable
CREATE TABLE "UserEmail" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "userId" UUID NOT NULL,
    "email" TEXT NOT NULL,
    "verified" BOOLEAN NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "UserEmail_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "PhoneNumber" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "userId" UUID NOT NULL,
    "phoneNumber" TEXT NOT NULL,
    "verified" BOOLEAN NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "PhoneNumber_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "TenantInvite" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "tenantId" TEXT NOT NULL,
    "userId" UUID,
    "fromMember" BOOLEAN NOT NULL DEFAULT false,
    "personal" BOOLEAN NOT NULL DEFAULT false,
    "tokenHash" TEXT NOT NULL,
    "token" TEXT NOT NULL,
    "shouldSendEmail" BOOLEAN NOT NULL,
    "roleIds" UUID[],
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "TenantInvite_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Setting" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "tenantId" TEXT,
    "key" TEXT NOT NULL,
    "value" JSONB NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 0,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Setting_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Message" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "sequence" BIGSERIAL NOT NULL,
    "channel" TEXT NOT NULL,
    "template" TEXT NOT NULL,
    "tenantId" TEXT,
    "userId" UUID,
    "sender" TEXT NOT NULL,
    "senderName" TEXT,
    "recipient" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "html" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "link" TEXT,
    "code" TEXT,
    "status" TEXT NOT NULL,
    "provider" TEXT,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "error" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "sentAt" TIMESTAMPTZ(3),

    CONSTRAINT "Message_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Job" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "sequence" BIGSERIAL NOT NULL,
    "name" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "runAt" TIMESTAMPTZ(3) NOT NULL,
    "leaseUntil" TIMESTAMPTZ(3),
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "maxAttempts" INTEGER NOT NULL,
    "state" TEXT NOT NULL,
    "progress" JSONB,
    "error" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "finishedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Job_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Challenge" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "purpose" TEXT NOT NULL,
    "userId" UUID,
    "tenantId" TEXT,
    "secretHash" TEXT NOT NULL,
    "data" JSONB NOT NULL DEFAULT '{}',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "maxAttempts" INTEGER NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "consumedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Challenge_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE UNLOGGED TABLE "Tally" (
    "key" TEXT NOT NULL,
    "scope" TEXT NOT NULL,
    "count" INTEGER NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Tally_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "Membership" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "userId" UUID NOT NULL,
    "tenantId" TEXT NOT NULL,
    "isDisabled" BOOLEAN NOT NULL DEFAULT false,
    "acceptedAt" TIMESTAMPTZ(3),
    "expiresAt" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Membership_pkey" PRIMARY KEY ("vendorId","userId","tenantId")
);

-- CreateTable
CREATE TABLE "MembershipRole" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "userId" UUID NOT NULL,
    "tenantId" TEXT NOT NULL,
    "roleId" UUID NOT NULL,

    CONSTRAINT "MembershipRole_pkey" PRIMARY KEY ("vendorId","userId","tenantId","roleId")
);

-- CreateTable
CREATE TABLE "MfaDevice" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "userId" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "secret" TEXT,
    "lastStep" INTEGER,
    "phoneNumber" TEXT,
    "credentialId" TEXT,
    "publicKey" TEXT,
    "counter" BIGINT,
    "transports" TEXT[],
    "deviceType" TEXT,
    "rpId" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "MfaDevice_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "RecoveryCode" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "userId" UUID NOT NULL,
    "hash" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "RecoveryCode_pkey" PRIMARY KEY ("vendorId","userId")
);

-- CreateTable
CREATE TABLE "RememberedDevice" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" TEXT NOT NULL,
    "userId" UUID NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "RememberedDevice_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Passkey" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "userId" UUID NOT NULL,
    "credentialId" TEXT NOT NULL,
    "publicKey" TEXT NOT NULL,
    "counter" BIGINT NOT NULL,
    "transports" TEXT[],
    "deviceType" TEXT NOT NULL,
    "rpId" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "lastUsedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Passkey_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "PasswordHistory" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "sequence" BIGSERIAL NOT NULL,
    "userId" UUID NOT NULL,
    "hash" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "PasswordHistory_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "DomainRestriction" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "tenantId" TEXT,
    "domain" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "DomainRestriction_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "IpRestriction" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "tenantId" TEXT NOT NULL,
    "ip" TEXT NOT NULL,
    "strategy" TEXT NOT NULL,
    "description" TEXT NOT NULL DEFAULT '',
    "isActive" BOOLEAN NOT NULL DEFAULT true,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "IpRestriction_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Role" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "tenantId" TEXT,
    "key" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "isDefault" BOOLEAN NOT NULL DEFAULT false,
    "firstUserRole" BOOLEAN NOT NULL DEFAULT false,
    "migrateRole" BOOLEAN NOT NULL DEFAULT false,
    "level" SMALLINT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Role_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "PermissionCategory" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "feCategory" BOOLEAN NOT NULL DEFAULT false,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "PermissionCategory_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Permission" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "categoryId" UUID,
    "key" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "fePermission" BOOLEAN NOT NULL DEFAULT false,
    "assignmentType" TEXT NOT NULL DEFAULT 'ALWAYS',
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Permission_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "RolePermission" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "roleId" UUID NOT NULL,
    "permissionId" UUID NOT NULL,

    CONSTRAINT "RolePermission_pkey" PRIMARY KEY ("vendorId","roleId","permissionId")
);

-- CreateTable
CREATE TABLE "Session" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "userId" UUID NOT NULL,
    "tenantId" TEXT,
    "applicationId" TEXT,
    "ipAddress" TEXT,
    "userAgent" TEXT,
    "mfaPassed" BOOLEAN NOT NULL DEFAULT false,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "lastActiveAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "endedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Session_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "RefreshToken" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" TEXT NOT NULL,
    "sessionId" UUID NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "usedAt" TIMESTAMPTZ(3),

    CONSTRAINT "RefreshToken_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Tenant" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" TEXT NOT NULL,
    "rowId" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "status" TEXT,
    "website" TEXT,
    "applicationUrl" TEXT,
    "loginUrl" TEXT,
    "logo" TEXT,
    "logoUrl" TEXT,
    "address" TEXT,
    "timezone" TEXT,
    "dateFormat" TEXT,
    "timeFormat" TEXT,
    "currency" TEXT,
    "creatorName" TEXT,
    "creatorEmail" TEXT,
    "isReseller" BOOLEAN NOT NULL DEFAULT false,
    "alias" TEXT,
    "parentId" TEXT,
    "path" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "subAccountAccessType" TEXT NOT NULL DEFAULT 'defaultOff',
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Tenant_pkey" PRIMARY KEY ("vendorId","id")
);

-- CreateTable
CREATE TABLE "User" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "email" TEXT,
    "username" TEXT,
    "phoneNumber" TEXT,
    "name" TEXT NOT NULL,
    "profilePictureUrl" TEXT,
    "verified" BOOLEAN NOT NULL DEFAULT false,
    "provider" TEXT NOT NULL DEFAULT 'local',
    "managedBy" TEXT NOT NULL DEFAULT 'frontegg',
    "externalId" TEXT,
    "metadata" TEXT NOT NULL DEFAULT '{}',
    "vendorMetadata" TEXT NOT NULL DEFAULT '{}',
    "passwordHash" TEXT,
    "passwordChangedAt" TIMESTAMPTZ(3),
    "passwordLeakedAt" TIMESTAMPTZ(3),
    "failedLogins" INTEGER NOT NULL DEFAULT 0,
    "isLocked" BOOLEAN NOT NULL DEFAULT false,
    "lockedAt" TIMESTAMPTZ(3),
    "mfaEnrolled" BOOLEAN NOT NULL DEFAULT false,
    "mfaBypass" BOOLEAN NOT NULL DEFAULT false,
    "superUser" BOOLEAN NOT NULL DEFAULT false,
    "invisible" BOOLEAN NOT NULL DEFAULT false,
    "subAccountAccess" BOOLEAN,
    "activeTenantId" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "lastLogin" TIMESTAMPTZ(3),

    CONSTRAINT "User_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ProfilePicture" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "userId" UUID NOT NULL,
    "contentType" TEXT NOT NULL,
    "data" BYTEA NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "ProfilePicture_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "Application_vendorId_createdAt_id_idx" ON "Application"("vendorId", "createdAt", "id");

-- CreateIndex
CREATE UNIQUE INDEX "Application_vendorId_id_key" ON "Application"("vendorId", "id");

-- CreateIndex
CREATE UNIQUE INDEX "DefaultApplication_vendorId_applicationId_key" ON "DefaultApplication"("vendorId", "applicationId");

-- CreateIndex
CREATE INDEX "ApplicationTenant_vendorId_tenantId_idx" ON "ApplicationTenant"("vendorId", "tenantId");

-- CreateIndex
CREATE INDEX "ApplicationUser_vendorId_userId_tenantId_idx" ON "ApplicationUser"("vendorId", "userId", "tenantId");

-- CreateIndex
CREATE INDEX "ApplicationActiveTenant_vendorId_applicationId_idx" ON "ApplicationActiveTenant"("vendorId", "applicationId");

-- CreateIndex
CREATE INDEX "ApplicationActiveTenant_vendorId_userId_tenantId_idx" ON "ApplicationActiveTenant"("vendorId", "userId", "tenantId");

-- CreateIndex
CREATE INDEX "ApplicationClient_vendorId_applicationId_createdAt_idx" ON "ApplicationClient"("vendorId", "applicationId", "createdAt");

-- CreateIndex
CREATE UNIQUE INDEX "Vendor_name_key" ON "Vendor"("name");

-- CreateIndex
CREATE UNIQUE INDEX "Vendor_host_key" ON "Vendor"("host");

-- CreateIndex
CREATE INDEX "SigningKey_vendorId_createdAt_idx" ON "SigningKey"("vendorId", "createdAt");

-- CreateIndex
CREATE INDEX "Group_vendorId_tenantId_createdAt_id_idx" ON "Group"("vendorId", "tenantId", "createdAt", "id");

-- CreateIndex
CREATE UNIQUE INDEX "Group_vendorId_id_tenantId_key" ON "Group"("vendorId", "id", "tenantId");

-- CreateIndex
CREATE UNIQUE INDEX "Group_vendorId_tenantId_name_key" ON "Group"("vendorId", "tenantId", "name");

-- CreateIndex
CREATE INDEX "GroupRole_vendorId_roleId_idx" ON "GroupRole"("vendorId", "roleId");

-- CreateIndex
CREATE INDEX "GroupUser_vendorId_userId_tenantId_idx" ON "GroupUser"("vendorId", "userId", "tenantId");

-- CreateIndex
CREATE INDEX "UserEmail_vendorId_userId_id_idx" ON "UserEmail"("vendorId", "userId", "id");

-- CreateIndex
CREATE INDEX "UserEmail_vendorId_createdAt_id_idx" ON "UserEmail"("vendorId", "createdAt", "id");

-- CreateIndex
CREATE UNIQUE INDEX "UserEmail_vendorId_email_key" ON "UserEmail"("vendorId", "email");

-- CreateIndex
CREATE INDEX "PhoneNumber_vendorId_userId_id_idx" ON "PhoneNumber"("vendorId", "userId", "id");

-- CreateIndex
CREATE INDEX "PhoneNumber_vendorId_createdAt_id_idx" ON "PhoneNumber"("vendorId", "createdAt", "id");

-- CreateIndex
CREATE UNIQUE INDEX "PhoneNumber_vendorId_phoneNumber_key" ON "PhoneNumber"("vendorId", "phoneNumber");

-- CreateIndex
CREATE INDEX "TenantInvite_vendorId_userId_idx" ON "TenantInvite"("vendorId", "userId");

-- CreateIndex
CREATE INDEX "TenantInvite_vendorId_createdAt_id_idx" ON "TenantInvite"("vendorId", "createdAt", "id");

-- CreateIndex
CREATE UNIQUE INDEX "TenantInvite_vendorId_tokenHash_key" ON "TenantInvite"("vendorId", "tokenHash");

-- CreateIndex
CREATE UNIQUE INDEX "TenantInvite_vendorId_tenantId_userId_key" ON "TenantInvite"("vendorId", "tenantId", "userId");

-- CreateIndex
CREATE UNIQUE INDEX "Setting_vendorId_key_tenantId_key" ON "Setting" ("vendorId", key, "tenantId") NULLS NOT DISTINCT;

-- CreateIndex
CREATE INDEX "Message_vendorId_sequence_idx" ON "Message"("vendorId", "sequence");

-- CreateIndex
CREATE INDEX "Message_vendorId_userId_idx" ON "Message"("vendorId", "userId");

-- CreateIndex
CREATE INDEX "Message_vendorId_tenantId_idx" ON "Message"("vendorId", "tenantId");

-- CreateIndex
CREATE UNIQUE INDEX "Message_vendorId_id_key" ON "Message"("vendorId", "id");

-- CreateIndex
CREATE INDEX "Job_state_runAt_idx" ON "Job"("state", "runAt");

-- CreateIndex
CREATE UNIQUE INDEX "Job_vendorId_id_key" ON "Job"("vendorId", "id");

-- CreateIndex
CREATE INDEX "Challenge_vendorId_purpose_secretHash_idx" ON "Challenge"("vendorId", "purpose", "secretHash");

-- CreateIndex
CREATE INDEX "Challenge_vendorId_userId_purpose_idx" ON "Challenge"("vendorId", "userId", "purpose");

-- CreateIndex
CREATE INDEX "Challenge_vendorId_tenantId_idx" ON "Challenge"("vendorId", "tenantId");

-- CreateIndex
CREATE UNIQUE INDEX "Challenge_vendorId_id_key" ON "Challenge"("vendorId", "id");

-- CreateIndex
CREATE INDEX "Tally_expiresAt_idx" ON "Tally"("expiresAt");

-- CreateIndex
CREATE INDEX "Membership_vendorId_tenantId_createdAt_userId_idx" ON "Membership"("vendorId", "tenantId", "createdAt", "userId");

-- CreateIndex
CREATE INDEX "MembershipRole_vendorId_roleId_idx" ON "MembershipRole"("vendorId", "roleId");

-- CreateIndex
CREATE INDEX "MfaDevice_vendorId_userId_createdAt_idx" ON "MfaDevice"("vendorId", "userId", "createdAt");

-- CreateIndex
CREATE UNIQUE INDEX "MfaDevice_vendorId_credentialId_key" ON "MfaDevice"("vendorId", "credentialId");

-- CreateIndex
CREATE UNIQUE INDEX "MfaDevice_vendorId_userId_phoneNumber_key" ON "MfaDevice"("vendorId", "userId", "phoneNumber");

-- CreateIndex
CREATE INDEX "RememberedDevice_vendorId_userId_idx" ON "RememberedDevice"("vendorId", "userId");

-- CreateIndex
CREATE INDEX "Passkey_vendorId_userId_createdAt_idx" ON "Passkey"("vendorId", "userId", "createdAt");

-- CreateIndex
CREATE UNIQUE INDEX "Passkey_vendorId_credentialId_key" ON "Passkey"("vendorId", "credentialId");

-- CreateIndex
CREATE INDEX "PasswordHistory_vendorId_userId_sequence_idx" ON "PasswordHistory"("vendorId", "userId", "sequence");

-- CreateIndex
CREATE UNIQUE INDEX "DomainRestriction_vendorId_tenantId_type_domain_key" ON "DomainRestriction" ("vendorId", "tenantId", type, domain) NULLS NOT DISTINCT;

-- CreateIndex
CREATE INDEX "IpRestriction_vendorId_tenantId_createdAt_id_idx" ON "IpRestriction"("vendorId", "tenantId", "createdAt", "id");

-- CreateIndex
CREATE UNIQUE INDEX "IpRestriction_vendorId_tenantId_strategy_ip_key" ON "IpRestriction"("vendorId", "tenantId", "strategy", "ip");

-- CreateIndex
CREATE UNIQUE INDEX "Role_vendorId_id_key" ON "Role"("vendorId", "id");

-- CreateIndex
CREATE UNIQUE INDEX "Role_vendorId_key_tenantId_key" ON "Role" ("vendorId", key, "tenantId") NULLS NOT DISTINCT;

-- CreateIndex
CREATE UNIQUE INDEX "PermissionCategory_vendorId_id_key" ON "PermissionCategory"("vendorId", "id");

-- CreateIndex
CREATE UNIQUE INDEX "PermissionCategory_vendorId_name_key" ON "PermissionCategory"("vendorId", "name");

-- CreateIndex
CREATE INDEX "Permission_vendorId_categoryId_idx" ON "Permission"("vendorId", "categoryId");

-- CreateIndex
CREATE UNIQUE INDEX "Permission_vendorId_id_key" ON "Permission"("vendorId", "id");

-- CreateIndex
CREATE UNIQUE INDEX "Permission_vendorId_key_key" ON "Permission"("vendorId", "key");

-- CreateIndex
CREATE INDEX "RolePermission_vendorId_permissionId_idx" ON "RolePermission"("vendorId", "permissionId");

-- CreateIndex
CREATE INDEX "Session_vendorId_userId_createdAt_idx" ON "Session"("vendorId", "userId", "createdAt");

-- CreateIndex
CREATE INDEX "Session_vendorId_tenantId_idx" ON "Session"("vendorId", "tenantId");

-- CreateIndex
CREATE UNIQUE INDEX "Session_vendorId_id_key" ON "Session"("vendorId", "id");

-- CreateIndex
CREATE INDEX "RefreshToken_vendorId_sessionId_idx" ON "RefreshToken"("vendorId", "sessionId");

-- CreateIndex
CREATE UNIQUE INDEX "Tenant_rowId_key" ON "Tenant"("rowId");

-- CreateIndex
CREATE INDEX "Tenant_vendorId_createdAt_rowId_idx" ON "Tenant"("vendorId", "createdAt", "rowId");

-- CreateIndex
CREATE INDEX "Tenant_vendorId_name_rowId_idx" ON "Tenant"("vendorId", "name", "rowId");

-- CreateIndex
CREATE INDEX "Tenant_vendorId_parentId_createdAt_rowId_idx" ON "Tenant"("vendorId", "parentId", "createdAt", "rowId");

-- CreateIndex
CREATE INDEX "Tenant_vendorId_parentId_name_rowId_idx" ON "Tenant"("vendorId", "parentId", "name", "rowId");

-- CreateIndex
CREATE INDEX "Tenant_vendorId_parentId_id_idx" ON "Tenant"("vendorId", "parentId", "id");

-- CreateIndex
CREATE INDEX "Tenant_path_idx" ON "Tenant" USING gin (path) WITH (fastupdate=off);

-- CreateIndex
CREATE INDEX "Tenant_name_id_idx" ON "Tenant" USING GIN ("name" gin_trgm_ops, "id" gin_trgm_ops);

-- CreateIndex
CREATE UNIQUE INDEX "Tenant_vendorId_alias_key" ON "Tenant"("vendorId", "alias");

-- CreateIndex
CREATE INDEX "User_vendorId_createdAt_id_idx" ON "User"("vendorId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "User_vendorId_name_id_idx" ON "User"("vendorId", "name", "id");

-- CreateIndex
CREATE INDEX "User_vendorId_verified_id_idx" ON "User"("vendorId", "verified", "id");

-- CreateIndex
CREATE INDEX "User_vendorId_isLocked_id_idx" ON "User"("vendorId", "isLocked", "id");

-- CreateIndex
CREATE INDEX "User_vendorId_provider_id_idx" ON "User"("vendorId", "provider", "id");

-- CreateIndex
CREATE INDEX "User_vendorId_activeTenantId_id_idx" ON "User" ("vendorId", "activeTenantId" NULLS FIRST, id);

-- CreateIndex
CREATE INDEX "User_vendorId_externalId_idx" ON "User"("vendorId", "externalId");

-- CreateIndex
CREATE INDEX "User_name_email_username_phoneNumber_idx" ON "User" USING GIN ("name" gin_trgm_ops, "email" gin_trgm_ops, "username" gin_trgm_ops, "phoneNumber" gin_trgm_ops);

-- CreateIndex
CREATE UNIQUE INDEX "User_vendorId_id_key" ON "User"("vendorId", "id");

-- CreateIndex
CREATE UNIQUE INDEX "User_vendorId_email_key" ON "User" ("vendorId", email NULLS FIRST);

-- CreateIndex
CREATE UNIQUE INDEX "User_vendorId_username_key" ON "User"("vendorId", "username");

-- CreateIndex
CREATE UNIQUE INDEX "User_vendorId_phoneNumber_key" ON "User"("vendorId", "phoneNumber");

-- CreateIndex
CREATE UNIQUE INDEX "ProfilePicture_vendorId_userId_key" ON "ProfilePicture"("vendorId", "userId");

-- AddForeignKey
ALTER TABLE "Application" ADD CONSTRAINT "Application_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "DefaultApplication" ADD CONSTRAINT "DefaultApplication_vendorId_applicationId_fkey" FOREIGN KEY ("vendorId", "applicationId") REFERENCES "Application"("vendorId", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "DefaultApplication" ADD CONSTRAINT "DefaultApplication_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApplicationTenant" ADD CONSTRAINT "ApplicationTenant_vendorId_applicationId_fkey" FOREIGN KEY ("vendorId", "applicationId") REFERENCES "Application"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApplicationTenant" ADD CONSTRAINT "ApplicationTenant_vendorId_tenantId_fkey" FOREIGN KEY ("vendorId", "tenantId") REFERENCES "Tenant"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApplicationUser" ADD CONSTRAINT "ApplicationUser_vendorId_applicationId_fkey" FOREIGN KEY ("vendorId", "applicationId") REFERENCES "Application"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApplicationUser" ADD CONSTRAINT "ApplicationUser_vendorId_userId_tenantId_fkey" FOREIGN KEY ("vendorId", "userId", "tenantId") REFERENCES "Membership"("vendorId", "userId", "tenantId") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApplicationActiveTenant" ADD CONSTRAINT "ApplicationActiveTenant_vendorId_applicationId_fkey" FOREIGN KEY ("vendorId", "applicationId") REFERENCES "Application"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApplicationActiveTenant" ADD CONSTRAINT "ApplicationActiveTenant_vendorId_userId_tenantId_fkey" FOREIGN KEY ("vendorId", "userId", "tenantId") REFERENCES "Membership"("vendorId", "userId", "tenantId") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApplicationClient" ADD CONSTRAINT "ApplicationClient_vendorId_applicationId_fkey" FOREIGN KEY ("vendorId", "applicationId") REFERENCES "Application"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "SigningKey" ADD CONSTRAINT "SigningKey_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Group" ADD CONSTRAINT "Group_vendorId_tenantId_fkey" FOREIGN KEY ("vendorId", "tenantId") REFERENCES "Tenant"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "GroupRole" ADD CONSTRAINT "GroupRole_vendorId_groupId_tenantId_fkey" FOREIGN KEY ("vendorId", "groupId", "tenantId") REFERENCES "Group"("vendorId", "id", "tenantId") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "GroupRole" ADD CONSTRAINT "GroupRole_vendorId_roleId_fkey" FOREIGN KEY ("vendorId", "roleId") REFERENCES "Role"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "GroupUser" ADD CONSTRAINT "GroupUser_vendorId_groupId_tenantId_fkey" FOREIGN KEY ("vendorId", "groupId", "tenantId") REFERENCES "Group"("vendorId", "id", "tenantId") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "GroupUser" ADD CONSTRAINT "GroupUser_vendorId_userId_tenantId_fkey" FOREIGN KEY ("vendorId", "userId", "tenantId") REFERENCES "Membership"("vendorId", "userId", "tenantId") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "UserEmail" ADD CONSTRAINT "UserEmail_vendorId_userId_fkey" FOREIGN KEY ("vendorId", "userId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "PhoneNumber" ADD CONSTRAINT "PhoneNumber_vendorId_userId_fkey" FOREIGN KEY ("vendorId", "userId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "TenantInvite" ADD CONSTRAINT "TenantInvite_vendorId_tenantId_fkey" FOREIGN KEY ("vendorId", "tenantId") REFERENCES "Tenant"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "TenantInvite" ADD CONSTRAINT "TenantInvite_vendorId_userId_fkey" FOREIGN KEY ("vendorId", "userId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Setting" ADD CONSTRAINT "Setting_vendorId_tenantId_fkey" FOREIGN KEY ("vendorId", "tenantId") REFERENCES "Tenant"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Setting" ADD CONSTRAINT "Setting_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Message" ADD CONSTRAINT "Message_vendorId_userId_fkey" FOREIGN KEY ("vendorId", "userId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Message" ADD CONSTRAINT "Message_vendorId_tenantId_fkey" FOREIGN KEY ("vendorId", "tenantId") REFERENCES "Tenant"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Message" ADD CONSTRAINT "Message_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Job" ADD CONSTRAINT "Job_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Challenge" ADD CONSTRAINT "Challenge_vendorId_userId_fkey" FOREIGN KEY ("vendorId", "userId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Challenge" ADD CONSTRAINT "Challenge_vendorId_tenantId_fkey" FOREIGN KEY ("vendorId", "tenantId") REFERENCES "Tenant"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Challenge" ADD CONSTRAINT "Challenge_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Membership" ADD CONSTRAINT "Membership_vendorId_userId_fkey" FOREIGN KEY ("vendorId", "userId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Membership" ADD CONSTRAINT "Membership_vendorId_tenantId_fkey" FOREIGN KEY ("vendorId", "tenantId") REFERENCES "Tenant"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "MembershipRole" ADD CONSTRAINT "MembershipRole_vendorId_userId_tenantId_fkey" FOREIGN KEY ("vendorId", "userId", "tenantId") REFERENCES "Membership"("vendorId", "userId", "tenantId") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "MembershipRole" ADD CONSTRAINT "MembershipRole_vendorId_roleId_fkey" FOREIGN KEY ("vendorId", "roleId") REFERENCES "Role"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "MfaDevice" ADD CONSTRAINT "MfaDevice_vendorId_userId_fkey" FOREIGN KEY ("vendorId", "userId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "RecoveryCode" ADD CONSTRAINT "RecoveryCode_vendorId_userId_fkey" FOREIGN KEY ("vendorId", "userId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "RememberedDevice" ADD CONSTRAINT "RememberedDevice_vendorId_userId_fkey" FOREIGN KEY ("vendorId", "userId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Passkey" ADD CONSTRAINT "Passkey_vendorId_userId_fkey" FOREIGN KEY ("vendorId", "userId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "PasswordHistory" ADD CONSTRAINT "PasswordHistory_vendorId_userId_fkey" FOREIGN KEY ("vendorId", "userId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "DomainRestriction" ADD CONSTRAINT "DomainRestriction_vendorId_tenantId_fkey" FOREIGN KEY ("vendorId", "tenantId") REFERENCES "Tenant"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "DomainRestriction" ADD CONSTRAINT "DomainRestriction_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "IpRestriction" ADD CONSTRAINT "IpRestriction_vendorId_tenantId_fkey" FOREIGN KEY ("vendorId", "tenantId") REFERENCES "Tenant"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Role" ADD CONSTRAINT "Role_vendorId_tenantId_fkey" FOREIGN KEY ("vendorId", "tenantId") REFERENCES "Tenant"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Role" ADD CONSTRAINT "Role_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "PermissionCategory" ADD CONSTRAINT "PermissionCategory_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Permission" ADD CONSTRAINT "Permission_vendorId_categoryId_fkey" FOREIGN KEY ("vendorId", "categoryId") REFERENCES "PermissionCategory"("vendorId", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "Permission" ADD CONSTRAINT "Permission_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "RolePermission" ADD CONSTRAINT "RolePermission_vendorId_roleId_fkey" FOREIGN KEY ("vendorId", "roleId") REFERENCES "Role"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "RolePermission" ADD CONSTRAINT "RolePermission_vendorId_permissionId_fkey" FOREIGN KEY ("vendorId", "permissionId") REFERENCES "Permission"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Session" ADD CONSTRAINT "Session_vendorId_userId_fkey" FOREIGN KEY ("vendorId", "userId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Session" ADD CONSTRAINT "Session_vendorId_tenantId_fkey" FOREIGN KEY ("vendorId", "tenantId") REFERENCES "Tenant"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "RefreshToken" ADD CONSTRAINT "RefreshToken_vendorId_sessionId_fkey" FOREIGN KEY ("vendorId", "sessionId") REFERENCES "Session"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Tenant" ADD CONSTRAINT "Tenant_vendorId_parentId_fkey" FOREIGN KEY ("vendorId", "parentId") REFERENCES "Tenant"("vendorId", "id") ON DELETE NO ACTION ON UPDATE NO ACTION;

-- AddForeignKey
ALTER TABLE "Tenant" ADD CONSTRAINT "Tenant_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "User" ADD CONSTRAINT "User_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ProfilePicture" ADD CONSTRAINT "ProfilePicture_vendorId_userId_fkey" FOREIGN KEY ("vendorId", "userId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Partial indexes, which Prisma cannot say: few rows are in them.
CREATE UNIQUE INDEX "Vendor_isDefault_key" ON "Vendor" ("isDefault") WHERE "isDefault";
CREATE INDEX "User_super_idx" ON "User" ("vendorId", id) WHERE "superUser";
CREATE INDEX "User_invisible_idx" ON "User" ("vendorId", id) WHERE invisible;

-- Lock 4, on every table that belongs to an environment.
SELECT owned_by_vendor('"Application"');
SELECT owned_by_vendor('"ApplicationActiveTenant"');
SELECT owned_by_vendor('"ApplicationClient"');
SELECT owned_by_vendor('"ApplicationTenant"');
SELECT owned_by_vendor('"ApplicationUser"');
SELECT owned_by_vendor('"Challenge"');
SELECT owned_by_vendor('"DefaultApplication"');
SELECT owned_by_vendor('"DomainRestriction"');
SELECT owned_by_vendor('"Group"');
SELECT owned_by_vendor('"GroupRole"');
SELECT owned_by_vendor('"GroupUser"');
SELECT owned_by_vendor('"IpRestriction"');
SELECT owned_by_vendor('"Job"');
SELECT owned_by_vendor('"Membership"');
SELECT owned_by_vendor('"MembershipRole"');
SELECT owned_by_vendor('"Message"');
SELECT owned_by_vendor('"MfaDevice"');
SELECT owned_by_vendor('"Passkey"');
SELECT owned_by_vendor('"PasswordHistory"');
SELECT owned_by_vendor('"Permission"');
SELECT owned_by_vendor('"PermissionCategory"');
SELECT owned_by_vendor('"PhoneNumber"');
SELECT owned_by_vendor('"ProfilePicture"');
SELECT owned_by_vendor('"RecoveryCode"');
SELECT owned_by_vendor('"RefreshToken"');
SELECT owned_by_vendor('"RememberedDevice"');
SELECT owned_by_vendor('"Role"');
SELECT owned_by_vendor('"RolePermission"');
SELECT owned_by_vendor('"Session"');
SELECT owned_by_vendor('"Setting"');
SELECT owned_by_vendor('"SigningKey"');
SELECT owned_by_vendor('"Tenant"');
SELECT owned_by_vendor('"TenantInvite"');
SELECT owned_by_vendor('"User"');
SELECT owned_by_vendor('"UserEmail"');

-- The user's own address and number are among their addresses and numbers.
CREATE FUNCTION keep_own_email() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.email IS NOT DISTINCT FROM OLD.email AND NEW.verified = OLD.verified THEN RETURN NULL; END IF;
  IF NEW.email IS NULL THEN
    DELETE FROM "UserEmail" WHERE "vendorId" = NEW."vendorId" AND "userId" = NEW.id AND email = OLD.email;
    RETURN NULL;
  END IF;
  UPDATE "UserEmail" SET verified = NEW.verified, "updatedAt" = NEW."updatedAt" WHERE "vendorId" = NEW."vendorId" AND "userId" = NEW.id AND email = NEW.email;
  IF FOUND THEN RETURN NULL; END IF;
  DELETE FROM "UserEmail" e USING "User" u
  WHERE e."vendorId" = NEW."vendorId" AND e.email = NEW.email AND NOT e.verified AND u."vendorId" = e."vendorId" AND u.id = e."userId" AND u.email IS DISTINCT FROM e.email;
  UPDATE "UserEmail" SET email = NEW.email, verified = NEW.verified, "updatedAt" = NEW."updatedAt" WHERE "vendorId" = NEW."vendorId" AND "userId" = NEW.id AND email = OLD.email;
  IF FOUND THEN RETURN NULL; END IF;
  INSERT INTO "UserEmail" ("vendorId", id, "userId", email, verified, "createdAt", "updatedAt") VALUES (NEW."vendorId", CASE TG_OP WHEN 'INSERT' THEN NEW.id ELSE gen_random_uuid() END, NEW.id, NEW.email, NEW.verified, NEW."updatedAt", NEW."updatedAt");
  RETURN NULL;
END $$;
CREATE TRIGGER keep_own_email AFTER INSERT OR UPDATE OF email, verified ON "User" FOR EACH ROW EXECUTE FUNCTION keep_own_email();

CREATE FUNCTION keep_own_phone_number() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW."phoneNumber" IS NOT DISTINCT FROM OLD."phoneNumber" THEN RETURN NULL; END IF;
  IF NEW."phoneNumber" IS NULL THEN
    DELETE FROM "PhoneNumber" WHERE "vendorId" = NEW."vendorId" AND "userId" = NEW.id AND "phoneNumber" = OLD."phoneNumber";
    RETURN NULL;
  END IF;
  PERFORM FROM "PhoneNumber" WHERE "vendorId" = NEW."vendorId" AND "userId" = NEW.id AND "phoneNumber" = NEW."phoneNumber";
  IF FOUND THEN RETURN NULL; END IF;
  DELETE FROM "PhoneNumber" p USING "User" u
  WHERE p."vendorId" = NEW."vendorId" AND p."phoneNumber" = NEW."phoneNumber" AND NOT p.verified AND u."vendorId" = p."vendorId" AND u.id = p."userId" AND u."phoneNumber" IS DISTINCT FROM p."phoneNumber";
  UPDATE "PhoneNumber" SET "phoneNumber" = NEW."phoneNumber", verified = false, "updatedAt" = NEW."updatedAt" WHERE "vendorId" = NEW."vendorId" AND "userId" = NEW.id AND "phoneNumber" = OLD."phoneNumber";
  IF FOUND THEN RETURN NULL; END IF;
  INSERT INTO "PhoneNumber" ("vendorId", id, "userId", "phoneNumber", verified, "createdAt", "updatedAt") VALUES (NEW."vendorId", CASE TG_OP WHEN 'INSERT' THEN NEW.id ELSE gen_random_uuid() END, NEW.id, NEW."phoneNumber", false, NEW."updatedAt", NEW."updatedAt");
  RETURN NULL;
END $$;
CREATE TRIGGER keep_own_phone_number AFTER INSERT OR UPDATE OF "phoneNumber" ON "User" FOR EACH ROW EXECUTE FUNCTION keep_own_phone_number();

-- Where a tenant is in the hierarchy: its path names it and all above it (docs/decisions/0008-paths-of-tenants.md).
-- One lock for all who move tenants.
CREATE FUNCTION lock_hierarchy() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('hierarchy', 8));
  RETURN NULL;
END $$;

CREATE FUNCTION place_tenant() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE above text[];
BEGIN
  IF TG_OP = 'INSERT' AND NEW."parentId" IS NOT NULL THEN PERFORM pg_advisory_xact_lock_shared(hashtextextended('hierarchy', 8)); END IF;
  SELECT path INTO above FROM "Tenant" WHERE "vendorId" = NEW."vendorId" AND id = NEW."parentId";
  IF NEW.id = NEW."parentId" OR NEW.id = ANY (above) THEN RAISE check_violation USING MESSAGE = 'a tenant would be below itself'; END IF;
  -- a parent that comes with the same statement, but later, adds what is above it itself
  NEW.path := coalesce(above, array_remove(ARRAY[NEW."parentId"], NULL)) || NEW.id;
  RETURN NEW;
END $$;

CREATE FUNCTION place_tenants_below() RETURNS trigger
    LANGUAGE plpgsql
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
BEGIN
  IF EXISTS (SELECT FROM "Tenant" WHERE "vendorId" = NEW."vendorId" AND "parentId" = NEW.id AND path[: cardinality(NEW.path)] <> NEW.path) THEN
    UPDATE "Tenant" SET path = NEW.path || path[array_position(path, NEW.id) + 1 :] WHERE "vendorId" = NEW."vendorId" AND path @> ARRAY[NEW.id] AND id <> NEW.id;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER lock_hierarchy BEFORE UPDATE OF "parentId" ON "Tenant" FOR EACH STATEMENT EXECUTE FUNCTION lock_hierarchy();
CREATE TRIGGER place BEFORE INSERT ON "Tenant" FOR EACH ROW EXECUTE FUNCTION place_tenant();
CREATE TRIGGER place_anew BEFORE UPDATE OF "parentId" ON "Tenant" FOR EACH ROW WHEN ((old."parentId" IS DISTINCT FROM new."parentId")) EXECUTE FUNCTION place_tenant();
CREATE TRIGGER place_below AFTER INSERT ON "Tenant" FOR EACH ROW EXECUTE FUNCTION place_tenants_below();
CREATE TRIGGER place_below_anew AFTER UPDATE OF "parentId" ON "Tenant" FOR EACH ROW WHEN ((old."parentId" IS DISTINCT FROM new."parentId")) EXECUTE FUNCTION place_tenants_below();
