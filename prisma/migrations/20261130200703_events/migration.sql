-- CreateTable
CREATE TABLE "Event" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "sequence" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "severity" TEXT COLLATE "C" NOT NULL,
    "outcome" TEXT COLLATE "C" NOT NULL,
    "tenantId" TEXT COLLATE "C",
    "userId" UUID,
    "subjectKind" TEXT COLLATE "C" NOT NULL,
    "subjectId" TEXT COLLATE "C",
    "actorKind" TEXT COLLATE "C" NOT NULL,
    "actorUserId" UUID,
    "credentialType" TEXT COLLATE "C",
    "credentialId" TEXT COLLATE "C",
    "sessionId" UUID,
    "ip" TEXT COLLATE "C",
    "userAgent" TEXT COLLATE "C",
    "traceId" TEXT COLLATE "C",
    "details" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "Event_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "Event_vendorId_at_sequence_idx" ON "Event"("vendorId", "at", "sequence");

-- CreateIndex
CREATE INDEX "Event_vendorId_tenantId_at_sequence_idx" ON "Event"("vendorId", "tenantId", "at", "sequence");

-- AddForeignKey
ALTER TABLE "Event" ADD CONSTRAINT "Event_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

SELECT owned_by_vendor('"Event"');
