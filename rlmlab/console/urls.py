"""The console's pages. An organization's stand under its slug; a run's own page is found by membership."""

from django.urls import path

from rlmlab.console.views import (
    account,
    audit,
    dataset_changes,
    datasets,
    examples,
    experiments,
    fork,
    home,
    invitations,
    keys,
    launch,
    members,
    memory,
    memory_changes,
    pages,
    project_settings,
    projects,
    prompt_changes,
    prompts,
    providers,
    run,
    runs,
)

ORGANIZATION = "o/<slug:organization>"
PROJECT = f"{ORGANIZATION}/p/<slug:project>"
DATASET = f"{PROJECT}/datasets/<slug:dataset>"
EXPERIMENT = f"{PROJECT}/experiments/<uuid:experiment_id>"
EXAMPLE = f"{PROJECT}/examples/<uuid:example_id>"
MEMORY = f"{PROJECT}/memory/<uuid:memory_id>"
PROVIDER_KEY = f"{ORGANIZATION}/settings/providers/<uuid:provider_key_id>"
INVITATION = f"{ORGANIZATION}/settings/invitations/<uuid:invitation_id>"

urlpatterns = [
    path("", home.home, name="home"),
    path("organizations", home.organizations, name="organizations"),
    path(ORGANIZATION, home.organization, name="organization"),
    path(f"{ORGANIZATION}/projects", projects.projects, name="projects"),
    path(f"{PROJECT}/runs", runs.runs, name="runs"),
    path(f"{PROJECT}/runs/new", launch.launch, name="launch"),
    path(f"{PROJECT}/prompts", prompts.prompts, name="prompts"),
    path(f"{PROJECT}/prompts/<slug:prompt>", prompts.prompt, name="prompt"),
    path(f"{PROJECT}/prompts/<slug:prompt>/versions/new", prompt_changes.new_version, name="new_prompt_version"),
    path(f"{PROJECT}/prompts/<slug:prompt>/labels/move", prompt_changes.move, name="move_prompt_label"),
    path(
        f"{PROJECT}/prompts/<slug:prompt>/labels/<slug:label>/delete",
        prompt_changes.remove_label,
        name="delete_prompt_label",
    ),
    path(f"{PROJECT}/datasets", datasets.datasets, name="datasets"),
    path(DATASET, datasets.dataset, name="dataset"),
    path(f"{DATASET}/add", dataset_changes.new_item, name="new_item"),
    path(f"{DATASET}/import", dataset_changes.import_items, name="import_items"),
    path(f"{DATASET}/export", datasets.export_dataset, name="export_dataset"),
    path(f"{DATASET}/items/<int:number>", datasets.item, name="item"),
    path(f"{DATASET}/items/<int:number>/retire", dataset_changes.retire_item, name="retire_item"),
    path(f"{PROJECT}/runs/<uuid:run_id>/item", dataset_changes.run_item, name="run_item"),
    path(f"{PROJECT}/experiments", experiments.experiments, name="experiments"),
    path(f"{PROJECT}/experiments/new", experiments.new_experiment, name="new_experiment"),
    path(EXPERIMENT, experiments.experiment, name="experiment"),
    path(f"{EXPERIMENT}/cancel", experiments.cancel_experiment, name="cancel_experiment"),
    path(f"{PROJECT}/settings", project_settings.project_settings, name="project_settings"),
    path(f"{PROJECT}/settings/empty-cache", project_settings.empty_cache, name="empty_cache"),
    path("runs/<uuid:run_id>", run.run, name="run"),
    path("runs/<uuid:run_id>/fork", fork.fork, name="fork"),
    path("runs/<uuid:run_id>/media/<str:sha256>", run.run_media, name="run_media"),
    path(f"{PROJECT}/examples", examples.examples, name="examples"),
    path(EXAMPLE, examples.example, name="example"),
    path(f"{EXAMPLE}/retire", examples.retire_example, name="retire_example"),
    path(f"{EXAMPLE}/renew", examples.renew_example, name="renew_example"),
    path(f"{PROJECT}/memory", memory.memories, name="memories"),
    path(MEMORY, memory.memory, name="memory"),
    path(f"{MEMORY}/pin", memory_changes.pin_memory, name="pin_memory"),
    path(f"{MEMORY}/forget", memory_changes.forget_memory, name="forget_memory"),
    path(f"{MEMORY}/restore", memory_changes.restore_memory, name="restore_memory"),
    path(f"{MEMORY}/erase", memory_changes.erase_memory, name="erase_memory"),
    path(f"{ORGANIZATION}/settings/members", members.members, name="members"),
    path(f"{ORGANIZATION}/settings/members/<uuid:membership_id>", members.change_member, name="change_member"),
    path(f"{INVITATION}/renew", members.renew_invitation, name="renew_invitation"),
    path(f"{INVITATION}/revoke", members.revoke_invitation, name="revoke_invitation"),
    path(f"{ORGANIZATION}/settings/keys", keys.keys, name="keys"),
    path(f"{ORGANIZATION}/settings/keys/<uuid:key_id>/revoke", keys.revoke_key, name="revoke_key"),
    path(f"{ORGANIZATION}/settings/providers", providers.providers, name="providers"),
    path(f"{PROVIDER_KEY}/remove", providers.remove_key, name="remove_provider_key"),
    path(f"{PROVIDER_KEY}/test", providers.try_key, name="try_provider_key"),
    path(f"{ORGANIZATION}/settings/prices", providers.set_price, name="set_price"),
    path(f"{ORGANIZATION}/settings/prices/<uuid:price_id>/remove", providers.remove_price, name="remove_price"),
    path(f"{ORGANIZATION}/settings/audit", audit.audit, name="audit"),
    path(f"{ORGANIZATION}/settings/audit/verify", audit.verify, name="verify_audit"),
    path("invitations", invitations.accept, name="accept_invitation"),
    path("invitations/<str:token>", invitations.invitation, name="invitation"),
    path("account", account.account, name="account"),
    path("components", pages.components, name="components"),
]
