# Runs postgresRole.sql and postgresGrants.sql as the setup identity.
set -euo pipefail

# The image is an Azure Linux without a PostgreSQL client.
command -v psql > /dev/null || tdnf install -y -q postgresql

# The identity has no role in Azure itself, and so no subscription.
az account show --output none 2> /dev/null || az login --identity --allow-no-subscriptions --output none

PGPASSWORD=$(az account get-access-token --resource-type oss-rdbms --query accessToken --output tsv)
export PGPASSWORD PGSSLMODE=require PGCONNECT_TIMEOUT=30
export PGOPTIONS="-c maintenance.role=$PG_ROLE -c maintenance.object_id=$PG_ROLE_OBJECT_ID -c maintenance.schema=$PG_SCHEMA -c maintenance.table=$PG_TABLE"

# $1: database; the statements come from stdin.
run() {
  psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --single-transaction \
    --host "$PG_HOST" --username "$PG_ADMINISTRATOR" --dbname "$1"
}

# The server, its private name and its administrator are known everywhere only after a while.
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  if run postgres <<< 'SELECT 1' > /dev/null; then break; fi
  if [ "$attempt" -eq 10 ]; then exit 1; fi
  echo "Attempt $attempt failed. Trying again in 30 seconds."
  sleep 30
done

run postgres <<< "$PG_ROLE_STATEMENTS"
run "$PG_DATABASE" <<< "$PG_GRANT_STATEMENTS"
echo "The role $PG_ROLE has its rights on $PG_SCHEMA.$PG_TABLE."
