-- CreateTable
CREATE TABLE "MailTemplate" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "type" TEXT COLLATE "C" NOT NULL,
    "subject" TEXT COLLATE "C",
    "htmlTemplate" TEXT COLLATE "C",
    "senderEmail" TEXT COLLATE "C",
    "fromName" TEXT COLLATE "C",
    "redirectURL" TEXT COLLATE "C",
    "successRedirectUrl" TEXT COLLATE "C",
    "active" BOOLEAN NOT NULL DEFAULT true,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "MailTemplate_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "MailTemplate_vendorId_type_key" ON "MailTemplate"("vendorId", "type");

-- AddForeignKey
ALTER TABLE "MailTemplate" ADD CONSTRAINT "MailTemplate_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

SELECT owned_by_vendor('"MailTemplate"');
SELECT tells_of_changes('"MailTemplate"');
