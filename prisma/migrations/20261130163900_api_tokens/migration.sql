-- CreateTable
CREATE TABLE "ApiToken" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "tenantId" TEXT COLLATE "C" NOT NULL,
    "userId" UUID,
    "secretHash" TEXT COLLATE "C" NOT NULL,
    "description" TEXT COLLATE "und-x-icu",
    "metadata" JSONB NOT NULL DEFAULT '{}',
    "createdByUserId" UUID,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3),

    CONSTRAINT "ApiToken_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ApiTokenRole" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "apiTokenId" UUID NOT NULL,
    "roleId" UUID NOT NULL,

    CONSTRAINT "ApiTokenRole_pkey" PRIMARY KEY ("vendorId","apiTokenId","roleId")
);

-- CreateTable
CREATE TABLE "ApiTokenPermission" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "apiTokenId" UUID NOT NULL,
    "permissionId" UUID NOT NULL,

    CONSTRAINT "ApiTokenPermission_pkey" PRIMARY KEY ("vendorId","apiTokenId","permissionId")
);

-- CreateTable
CREATE TABLE "ApiRefreshToken" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" TEXT COLLATE "C" NOT NULL,
    "apiTokenId" UUID NOT NULL,
    "sequence" BIGSERIAL NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "rotatedAt" TIMESTAMPTZ(3),

    CONSTRAINT "ApiRefreshToken_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "ApiToken_vendorId_tenantId_createdAt_idx" ON "ApiToken"("vendorId", "tenantId", "createdAt");

-- CreateIndex
CREATE INDEX "ApiToken_vendorId_userId_tenantId_idx" ON "ApiToken"("vendorId", "userId", "tenantId");

-- CreateIndex
CREATE UNIQUE INDEX "ApiToken_vendorId_id_key" ON "ApiToken"("vendorId", "id");

-- CreateIndex
CREATE INDEX "ApiTokenRole_vendorId_roleId_idx" ON "ApiTokenRole"("vendorId", "roleId");

-- CreateIndex
CREATE INDEX "ApiTokenPermission_vendorId_permissionId_idx" ON "ApiTokenPermission"("vendorId", "permissionId");

-- CreateIndex
CREATE INDEX "ApiRefreshToken_vendorId_apiTokenId_sequence_idx" ON "ApiRefreshToken"("vendorId", "apiTokenId", "sequence");

-- AddForeignKey
ALTER TABLE "ApiToken" ADD CONSTRAINT "ApiToken_vendorId_tenantId_fkey" FOREIGN KEY ("vendorId", "tenantId") REFERENCES "Tenant"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApiToken" ADD CONSTRAINT "ApiToken_vendorId_userId_tenantId_fkey" FOREIGN KEY ("vendorId", "userId", "tenantId") REFERENCES "Membership"("vendorId", "userId", "tenantId") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApiTokenRole" ADD CONSTRAINT "ApiTokenRole_vendorId_apiTokenId_fkey" FOREIGN KEY ("vendorId", "apiTokenId") REFERENCES "ApiToken"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApiTokenRole" ADD CONSTRAINT "ApiTokenRole_vendorId_roleId_fkey" FOREIGN KEY ("vendorId", "roleId") REFERENCES "Role"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApiTokenPermission" ADD CONSTRAINT "ApiTokenPermission_vendorId_apiTokenId_fkey" FOREIGN KEY ("vendorId", "apiTokenId") REFERENCES "ApiToken"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApiTokenPermission" ADD CONSTRAINT "ApiTokenPermission_vendorId_permissionId_fkey" FOREIGN KEY ("vendorId", "permissionId") REFERENCES "Permission"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApiRefreshToken" ADD CONSTRAINT "ApiRefreshToken_vendorId_apiTokenId_fkey" FOREIGN KEY ("vendorId", "apiTokenId") REFERENCES "ApiToken"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

SELECT owned_by_vendor('"ApiToken"');
SELECT owned_by_vendor('"ApiTokenRole"');
SELECT owned_by_vendor('"ApiTokenPermission"');
SELECT owned_by_vendor('"ApiRefreshToken"');
