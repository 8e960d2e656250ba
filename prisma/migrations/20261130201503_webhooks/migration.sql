-- CreateTable
CREATE TABLE "Webhook" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "tenantId" TEXT COLLATE "C",
    "key" TEXT COLLATE "C",
    "displayName" TEXT COLLATE "und-x-icu" NOT NULL,
    "description" TEXT COLLATE "und-x-icu" NOT NULL DEFAULT '',
    "url" TEXT COLLATE "C" NOT NULL,
    "secret" TEXT COLLATE "C",
    "eventKeys" TEXT[] COLLATE "C",
    "isActive" BOOLEAN NOT NULL,
    "switchedOffAt" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Webhook_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "WebhookDelivery" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "sequence" BIGSERIAL NOT NULL,
    "webhookId" UUID NOT NULL,
    "eventId" UUID NOT NULL,
    "eventKey" TEXT COLLATE "C" NOT NULL,
    "subject" TEXT COLLATE "C" NOT NULL,
    "tenantId" TEXT COLLATE "C",
    "body" TEXT COLLATE "C" NOT NULL,
    "state" TEXT COLLATE "C" NOT NULL DEFAULT 'pending',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "dueAt" TIMESTAMPTZ(3) NOT NULL,
    "attemptId" UUID,
    "leaseUntil" TIMESTAMPTZ(3),
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "finishedAt" TIMESTAMPTZ(3),

    CONSTRAINT "WebhookDelivery_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "WebhookAttempt" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "deliveryId" UUID NOT NULL,
    "webhookId" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "requestHeaders" JSONB NOT NULL,
    "status" INTEGER,
    "responseHeaders" JSONB,
    "response" TEXT COLLATE "C",
    "error" TEXT COLLATE "C",
    "durationMs" INTEGER NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "WebhookAttempt_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "Webhook_vendorId_tenantId_idx" ON "Webhook"("vendorId", "tenantId");

-- CreateIndex
CREATE UNIQUE INDEX "Webhook_vendorId_id_key" ON "Webhook"("vendorId", "id");

-- CreateIndex
CREATE UNIQUE INDEX "Webhook_vendorId_key_key" ON "Webhook"("vendorId", "key");

-- CreateIndex
CREATE INDEX "WebhookDelivery_vendorId_webhookId_state_sequence_idx" ON "WebhookDelivery"("vendorId", "webhookId", "state", "sequence");

-- CreateIndex
CREATE INDEX "WebhookDelivery_vendorId_webhookId_subject_idx" ON "WebhookDelivery"("vendorId", "webhookId", "subject");

-- CreateIndex
CREATE UNIQUE INDEX "WebhookDelivery_vendorId_id_key" ON "WebhookDelivery"("vendorId", "id");

-- CreateIndex
CREATE INDEX "WebhookAttempt_vendorId_deliveryId_idx" ON "WebhookAttempt"("vendorId", "deliveryId");

-- CreateIndex
CREATE INDEX "WebhookAttempt_vendorId_webhookId_createdAt_idx" ON "WebhookAttempt"("vendorId", "webhookId", "createdAt");

-- CreateIndex
CREATE UNIQUE INDEX "WebhookAttempt_vendorId_id_key" ON "WebhookAttempt"("vendorId", "id");

-- AddForeignKey
ALTER TABLE "Webhook" ADD CONSTRAINT "Webhook_vendorId_tenantId_fkey" FOREIGN KEY ("vendorId", "tenantId") REFERENCES "Tenant"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Webhook" ADD CONSTRAINT "Webhook_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "WebhookDelivery" ADD CONSTRAINT "WebhookDelivery_vendorId_webhookId_fkey" FOREIGN KEY ("vendorId", "webhookId") REFERENCES "Webhook"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "WebhookAttempt" ADD CONSTRAINT "WebhookAttempt_vendorId_deliveryId_fkey" FOREIGN KEY ("vendorId", "deliveryId") REFERENCES "WebhookDelivery"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

SELECT owned_by_vendor('"Webhook"');
SELECT owned_by_vendor('"WebhookDelivery"');
SELECT owned_by_vendor('"WebhookAttempt"');
SELECT tells_of_changes('"Webhook"');
