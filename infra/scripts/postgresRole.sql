-- The role of the maintenance identity. Run in the database `postgres`, safe to run again.
-- maintenance.role: its name. maintenance.object_id: object id of the identity.
DO $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = current_setting('maintenance.role')) THEN
    PERFORM pgaadauth_create_principal_with_oid(
      current_setting('maintenance.role'), current_setting('maintenance.object_id'), 'service', false, false);
  END IF;
END
$$;
