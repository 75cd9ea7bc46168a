-- AlterTable
ALTER TABLE "commands" ADD COLUMN     "payload_bytes" INTEGER,
ADD COLUMN     "signal_name" TEXT,
ADD COLUMN     "signal_path" TEXT;
