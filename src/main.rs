use migrations::Migrator;

#[tokio::main]
async fn main() {
    let url = std::env::args().nth(1).unwrap();
    let db = domain::db::Db::open(&url, 4).await.unwrap();
    <Migrator as sea_orm_migration::MigratorTrait>::up(db.writer(), None).await.unwrap();
}
