-- CreateTable
CREATE TABLE "ApprovalFlow" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "tenantId" TEXT COLLATE "C",
    "name" TEXT COLLATE "und-x-icu" NOT NULL,
    "description" TEXT COLLATE "und-x-icu",
    "isActive" BOOLEAN NOT NULL DEFAULT true,
    "channels" JSONB NOT NULL,
    "configuration" JSONB NOT NULL,
    "steps" JSONB NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "ApprovalFlow_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ApprovalExecution" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "flowId" UUID,
    "tenantId" TEXT COLLATE "C" NOT NULL,
    "requesterId" UUID NOT NULL,
    "name" TEXT COLLATE "und-x-icu" NOT NULL,
    "description" TEXT COLLATE "und-x-icu",
    "channels" JSONB NOT NULL,
    "configuration" JSONB NOT NULL,
    "steps" JSONB NOT NULL,
    "data" JSONB,
    "webhooks" TEXT[] COLLATE "C",
    "byManagement" BOOLEAN NOT NULL,
    "position" INTEGER NOT NULL DEFAULT 0,
    "isAsked" BOOLEAN NOT NULL DEFAULT true,
    "approvals" INTEGER NOT NULL DEFAULT 0,
    "reminders" INTEGER NOT NULL DEFAULT 0,
    "state" TEXT COLLATE "C" NOT NULL DEFAULT 'pending',
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "endsAt" TIMESTAMPTZ(3) NOT NULL,
    "endsAs" TEXT COLLATE "C" NOT NULL,
    "finishedAt" TIMESTAMPTZ(3),

    CONSTRAINT "ApprovalExecution_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ApprovalApprover" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "executionId" UUID NOT NULL,
    "stepId" UUID NOT NULL,
    "userId" UUID,
    "email" TEXT COLLATE "C",
    "phoneNumber" TEXT COLLATE "C",
    "asMember" BOOLEAN NOT NULL,
    "byRole" BOOLEAN NOT NULL,
    "token" TEXT COLLATE "C" NOT NULL,
    "approved" BOOLEAN,
    "decidedAt" TIMESTAMPTZ(3),

    CONSTRAINT "ApprovalApprover_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "ApprovalFlow_vendorId_tenantId_createdAt_idx" ON "ApprovalFlow"("vendorId", "tenantId", "createdAt");

-- CreateIndex
CREATE UNIQUE INDEX "ApprovalFlow_vendorId_id_key" ON "ApprovalFlow"("vendorId", "id");

-- CreateIndex
CREATE INDEX "ApprovalExecution_vendorId_flowId_idx" ON "ApprovalExecution"("vendorId", "flowId");

-- CreateIndex
CREATE INDEX "ApprovalExecution_vendorId_requesterId_idx" ON "ApprovalExecution"("vendorId", "requesterId");

-- CreateIndex
CREATE INDEX "ApprovalExecution_vendorId_tenantId_idx" ON "ApprovalExecution"("vendorId", "tenantId");

-- CreateIndex
CREATE UNIQUE INDEX "ApprovalExecution_vendorId_id_key" ON "ApprovalExecution"("vendorId", "id");

-- CreateIndex
CREATE INDEX "ApprovalApprover_vendorId_executionId_stepId_idx" ON "ApprovalApprover"("vendorId", "executionId", "stepId");

-- CreateIndex
CREATE INDEX "ApprovalApprover_vendorId_userId_idx" ON "ApprovalApprover"("vendorId", "userId");

-- AddForeignKey
ALTER TABLE "ApprovalFlow" ADD CONSTRAINT "ApprovalFlow_vendorId_tenantId_fkey" FOREIGN KEY ("vendorId", "tenantId") REFERENCES "Tenant"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApprovalFlow" ADD CONSTRAINT "ApprovalFlow_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApprovalExecution" ADD CONSTRAINT "ApprovalExecution_vendorId_flowId_fkey" FOREIGN KEY ("vendorId", "flowId") REFERENCES "ApprovalFlow"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApprovalExecution" ADD CONSTRAINT "ApprovalExecution_vendorId_requesterId_fkey" FOREIGN KEY ("vendorId", "requesterId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApprovalExecution" ADD CONSTRAINT "ApprovalExecution_vendorId_tenantId_fkey" FOREIGN KEY ("vendorId", "tenantId") REFERENCES "Tenant"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApprovalApprover" ADD CONSTRAINT "ApprovalApprover_vendorId_executionId_fkey" FOREIGN KEY ("vendorId", "executionId") REFERENCES "ApprovalExecution"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "ApprovalApprover" ADD CONSTRAINT "ApprovalApprover_vendorId_userId_fkey" FOREIGN KEY ("vendorId", "userId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;


SELECT owned_by_vendor('"ApprovalFlow"');
SELECT owned_by_vendor('"ApprovalExecution"');
SELECT owned_by_vendor('"ApprovalApprover"');
