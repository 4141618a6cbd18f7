from django.db import migrations

from rlmlab.scoping import rls

# Length-prefixed, so that no two lists of values give the same bytes. rlmlab/audit/chain.py computes the same in Python.
FIELD = """
CREATE FUNCTION audit_field(value text) RETURNS text LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN value IS NULL THEN '~,'
    ELSE octet_length(convert_to(value, 'UTF8'))::text || ':' || value || ',' END
"""

HASH = """
CREATE FUNCTION audit_hash(entry audit_auditentry, "position" bigint, previous_hash text) RETURNS text
LANGUAGE sql STABLE SET search_path = public, pg_temp
RETURN encode(sha256(convert_to(
    audit_field(previous_hash)
    || audit_field(entry.organization_id::text)
    || audit_field("position"::text)
    || audit_field(entry.id::text)
    || audit_field(to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
    || audit_field(entry.actor_kind)
    || audit_field(entry.actor_id::text)
    || audit_field(entry.action)
    || audit_field(entry.object_type)
    || audit_field(entry.object_id::text)
    || audit_field(entry.outcome)
    || audit_field(entry.changes::text)
    || audit_field(entry.actor_commitment)
    || audit_field(entry.subject_commitment), 'UTF8')), 'hex')
"""

# Runs at commit, as the owner: the application's role cannot write links itself. The lock is the organization's and is
# held until the commit is visible, so the next transaction reads this one's link as its predecessor.
LINK = """
CREATE FUNCTION audit_link() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    last_position bigint;
    last_hash text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('rlmlab.audit:' || NEW.organization_id::text, 0));
    SELECT link."position", link.hash INTO last_position, last_hash FROM audit_auditlink AS link
        WHERE link.organization_id = NEW.organization_id ORDER BY link."position" DESC LIMIT 1;
    last_position := coalesce(last_position, 0);
    last_hash := coalesce(last_hash, repeat('0', 64));
    INSERT INTO audit_auditlink (entry_id, organization_id, "position", previous_hash, hash)
        VALUES (NEW.id, NEW.organization_id, last_position + 1, last_hash,
                audit_hash(NEW, last_position + 1, last_hash));
    RETURN NULL;
END $$
"""

LINK_TRIGGER = """
CREATE CONSTRAINT TRIGGER audit_link AFTER INSERT ON audit_auditentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_link()
"""

ERASE_ONLY = """
CREATE FUNCTION audit_erase_only() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.salt = '' AND NEW.fields = '{{}}'::jsonb AND NEW.erased_at IS NOT NULL AND OLD.erased_at IS NULL
        AND (NEW.id, NEW.entry_id, NEW.organization_id, NEW.part) = (OLD.id, OLD.entry_id, OLD.organization_id, OLD.part)
        AND NEW.person_id IS NOT DISTINCT FROM OLD.person_id
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'personal fields of the audit log can be erased once, and not changed'
        USING ERRCODE = 'insufficient_privilege';
END $$
"""

ERASE_ONLY_TRIGGER = """
CREATE TRIGGER audit_erase_only BEFORE UPDATE ON audit_auditperson
    FOR EACH ROW EXECUTE FUNCTION audit_erase_only()
"""


class Migration(migrations.Migration):
    """The hash chain, and what the application may do to the log: insert entries, erase personal fields."""

    dependencies = [
        ('audit', '0001_entries'),
    ]

    operations = [
        rls.role_sql([FIELD], ['DROP FUNCTION audit_field(text)']),
        rls.role_sql([HASH], ['DROP FUNCTION audit_hash(audit_auditentry, bigint, text)']),
        rls.role_sql([LINK], ['DROP FUNCTION audit_link()']),
        rls.role_sql([LINK_TRIGGER], ['DROP TRIGGER audit_link ON audit_auditentry']),
        rls.role_sql([ERASE_ONLY], ['DROP FUNCTION audit_erase_only()']),
        rls.role_sql([ERASE_ONLY_TRIGGER], ['DROP TRIGGER audit_erase_only ON audit_auditperson']),
        rls.role_sql(
            [
                'REVOKE INSERT ON audit_auditlink FROM {app}',
                'REVOKE UPDATE, DELETE, TRUNCATE ON audit_auditperson FROM {app}',
                'GRANT UPDATE (salt, fields, erased_at) ON audit_auditperson TO {app}',
            ],
            [
                'REVOKE UPDATE (salt, fields, erased_at) ON audit_auditperson FROM {app}',
                'GRANT UPDATE, DELETE ON audit_auditperson TO {app}',
                'GRANT INSERT ON audit_auditlink TO {app}',
            ],
        ),
    ]
