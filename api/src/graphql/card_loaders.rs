//! Loaders of cards and of what cards lead to, as the viewer may see it.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use colloquy_entity::*;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::inbox::links::{self, Linked};
use crate::inbox::{contractors, deals, funnels, projects, tasks};

use super::loaders::{Loaders, Reads, by, group, keys, loader};

keys! {
    /// A dialogue's deals.
    DealsOf(DialogueId);
    /// A dialogue's projects.
    ProjectsOf(DialogueId);
    /// A dialogue's tasks.
    TasksOf(DialogueId);
    /// A contractor's clients.
    ClientsOf(ContractorId);
    /// A contractor's deals.
    DealsOfContractor(ContractorId);
    /// A contractor's dialogues.
    DialoguesOfContractor(ContractorId);
    /// A deal's dialogues.
    DialoguesOfDeal(DealId);
    /// A project's dialogues.
    DialoguesOfProject(ProjectId);
    /// A task's dialogues.
    DialoguesOfTask(TaskId);
    /// How many tasks a project has.
    TaskCount(ProjectId);
    /// A funnel's stages.
    StagesOf(FunnelId);
    /// The contractor that an event names; of a merged one, the one that stayed.
    NamedContractor(ContractorId);
    /// The deal that an event names.
    NamedDeal(DealId);
    /// The project that an event names.
    NamedProject(ProjectId);
    /// The task that an event names.
    NamedTask(TaskId);
}

macro_rules! ids {
    ($keys:ident) => {
        $keys.iter().map(|key| key.0).collect::<Vec<_>>()
    };
}

loader!(ContractorId => contractor::Model, |this, viewer, keys| {
    Ok(by(contractors::by_ids(this.app.db.read(), viewer, keys).await?, |row| row.id))
});
loader!(DealId => deal::Model, |this, viewer, keys| {
    Ok(by(deals::by_ids(this.app.db.read(), viewer, keys).await?, |row| row.id))
});
loader!(ProjectId => project::Model, |this, viewer, keys| {
    Ok(by(projects::by_ids(this.app.db.read(), viewer, keys).await?, |row| row.id))
});
loader!(TaskId => task::Model, |this, viewer, keys| {
    Ok(by(tasks::by_ids(this.app.db.read(), viewer, keys).await?, |row| row.id))
});
loader!(FunnelId => funnel::Model, |this, _viewer, keys| {
    Ok(by(funnels::by_ids(this.app.db.read(), keys).await?, |row| row.id))
});
loader!(StageId => stage::Model, |this, _viewer, keys| {
    Ok(by(funnels::stages(this.app.db.read(), keys).await?, |row| row.id))
});
loader!(StagesOf => Vec<stage::Model>, |this, _viewer, keys| {
    let rows = funnels::stages_of(this.app.db.read(), &ids!(keys)).await?;
    Ok(group(rows.into_iter().map(|row| (StagesOf(row.funnel_id), row))))
});

loader!(NamedContractor => contractor::Model, |this, viewer, keys| {
    let rows = contractors::named(this.app.db.read(), viewer, &ids!(keys)).await?;
    Ok(rows.into_iter().map(|(id, row)| (NamedContractor(id), row)).collect())
});
loader!(NamedDeal => deal::Model, |this, viewer, keys| {
    Ok(by(deals::named(this.app.db.read(), viewer, &ids!(keys)).await?, |row| NamedDeal(row.id)))
});
loader!(NamedProject => project::Model, |this, viewer, keys| {
    Ok(by(projects::named(this.app.db.read(), viewer, &ids!(keys)).await?, |row| NamedProject(row.id)))
});
loader!(NamedTask => task::Model, |this, viewer, keys| {
    Ok(by(tasks::named(this.app.db.read(), viewer, &ids!(keys)).await?, |row| NamedTask(row.id)))
});

loader!(DealsOf => Vec<deal::Model>, |this, _viewer, keys| {
    let rows = deals::of_dialogues(this.app.db.read(), &ids!(keys)).await?;
    Ok(group(rows.into_iter().map(|(id, row)| (DealsOf(id), row))))
});
loader!(ProjectsOf => Vec<project::Model>, |this, _viewer, keys| {
    let rows = projects::of_dialogues(this.app.db.read(), &ids!(keys)).await?;
    Ok(group(rows.into_iter().map(|(id, row)| (ProjectsOf(id), row))))
});
loader!(TasksOf => Vec<task::Model>, |this, _viewer, keys| {
    let rows = tasks::of_dialogues(this.app.db.read(), &ids!(keys)).await?;
    Ok(group(rows.into_iter().map(|(id, row)| (TasksOf(id), row))))
});

loader!(ClientsOf => Vec<client::Model>, |this, viewer, keys| {
    let rows = contractors::clients(this.app.db.read(), viewer, &ids!(keys)).await?;
    Ok(group(rows.into_iter().map(|(id, row)| (ClientsOf(id), row))))
});
loader!(DealsOfContractor => Vec<deal::Model>, |this, viewer, keys| {
    let rows = deals::of_contractors(this.app.db.read(), viewer, &ids!(keys)).await?;
    Ok(group(rows.into_iter().map(|(id, row)| (DealsOfContractor(id), row))))
});
loader!(DialoguesOfContractor => Vec<dialogue::Model>, |this, viewer, keys| {
    let rows = contractors::dialogues(this.app.db.read(), viewer, &ids!(keys)).await?;
    Ok(group(rows.into_iter().map(|(id, row)| (DialoguesOfContractor(id), row))))
});

impl Loaders {
    async fn dialogues(&self, kind: Linked, cards: Vec<Uuid>) -> Result<Vec<(Uuid, dialogue::Model)>> {
        links::dialogues(self.app.db.read(), &self.viewer()?, kind, &cards).await
    }
}

loader!(DialoguesOfDeal => Vec<dialogue::Model>, |this, _viewer, keys| {
    let rows = this.dialogues(Linked::Deal, keys.iter().map(|key| key.0.0).collect()).await?;
    Ok(group(rows.into_iter().map(|(id, row)| (DialoguesOfDeal(DealId(id)), row))))
});
loader!(DialoguesOfProject => Vec<dialogue::Model>, |this, _viewer, keys| {
    let rows = this.dialogues(Linked::Project, keys.iter().map(|key| key.0.0).collect()).await?;
    Ok(group(rows.into_iter().map(|(id, row)| (DialoguesOfProject(ProjectId(id)), row))))
});
loader!(DialoguesOfTask => Vec<dialogue::Model>, |this, _viewer, keys| {
    let rows = this.dialogues(Linked::Task, keys.iter().map(|key| key.0.0).collect()).await?;
    Ok(group(rows.into_iter().map(|(id, row)| (DialoguesOfTask(TaskId(id)), row))))
});

loader!(TaskCount => u64, |this, viewer, keys| {
    let rows = tasks::counts(this.app.db.read(), viewer, &ids!(keys)).await?;
    Ok(rows.into_iter().map(|(id, count)| (TaskCount(id), count.unsigned_abs())).collect())
});
