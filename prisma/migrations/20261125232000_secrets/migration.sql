-- CreateTable
CREATE TABLE "secrets" (
    "owner_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "key_id" TEXT NOT NULL,
    "nonce" BYTEA NOT NULL,
    "ciphertext" BYTEA NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "secrets_pkey" PRIMARY KEY ("owner_id","name")
);

ALTER TABLE "secrets"
  ADD CONSTRAINT "secrets_name_check" CHECK ("name" ~ '^[A-Za-z][A-Za-z0-9_]{0,63}$'),
  ADD CONSTRAINT "secrets_nonce_check" CHECK (octet_length("nonce") = 12),
  -- A value has 8 characters at least, and the tag has 16 bytes.
  ADD CONSTRAINT "secrets_ciphertext_check" CHECK (octet_length("ciphertext") >= 24);
