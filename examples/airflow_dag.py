"""The nightly retraining as an Airflow DAG: the events of the day, then examples/retrain.sh.

For Airflow 3. Variables: ``mlcore_project`` (BigQuery), ``mlcore_home`` (this checkout), ``mlcore_folder`` (runs, and
the link ``current`` that the servers follow).
"""

from datetime import timedelta

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

EXTRACT = """
python -m cli.run_sql --query deduplicate --engine bigquery --project {{ var.value.mlcore_project }}
    --table events=shop.events --maximum-bytes-billed 50GiB --out {{ var.value.mlcore_folder }}/events.csv
"""
RETRAIN = """
{{ var.value.mlcore_home }}/examples/retrain.sh
    {{ var.value.mlcore_folder }}/events.csv {{ var.value.mlcore_folder }}/current {{ var.value.mlcore_folder }}/runs
"""

with DAG(
    dag_id="mlcore_retrain",
    schedule="0 3 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    catchup=False,  # yesterday's events are in today's
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=10)},
) as dag:
    extract = BashOperator(task_id="extract", bash_command=" ".join(EXTRACT.split()))
    # No retry: what the gate has refused, it would refuse again. 75: another run is at work.
    retrain = BashOperator(
        task_id="retrain", bash_command=" ".join(RETRAIN.split()), retries=0, skip_on_exit_code=75
    )
    extract >> retrain
